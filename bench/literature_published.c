/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/literature_published.h"

/* state, scuttlebutt, classic, bp, rr, bp+rr: on the tree, on the mesh. */
const struct literature_published literature_published[LITERATURE_TYPES] = {
    {LITERATURE_GSET,
     0,
     "GSet",
     {26686, 81035},
     {{82.0, 27.2, 80.8, 1.00, 1.79, 1}, {58.4, 18.7, 56.9, 56.7, 1.26, 1}}},
    {LITERATURE_GCOUNTER,
     0,
     "GCounter",
     {26694, 80769},
     {{1.60, 26.6, 1.80, 1.00, 1.79, 1}, {1.12, 18.8, 1.27, 1.27, 1.26, 1}}},
    {LITERATURE_GMAP,
     10,
     "GMap 10%",
     {152668, 494572},
     {{17.4, 5.57, 16.9, 1.00, 1.96, 1}, {11.1, 3.62, 11.2, 11.2, 1.30, 1}}},
    {LITERATURE_GMAP,
     30,
     "GMap 30%",
     {446580, 1459633},
     {{6.23, 2.56, 6.19, 1.00, 1.99, 1}, {4.03, 1.67, 4.06, 4.07, 1.30, 1}}},
    {LITERATURE_GMAP,
     60,
     "GMap 60%",
     {866291, 2836147},
     {{3.26, 1.79, 3.25, 1.00, 1.99, 1}, {2.11, 1.17, 2.11, 2.12, 1.30, 1}}},
    {LITERATURE_GMAP,
     100,
     "GMap 100%",
     {1401307, 4605493},
     {{2.03, 1.49, 2.01, 1.00, 1.99, 1}, {1.33, 0.97, 1.32, 1.31, 1.30, 1}}},
};

double literature_published_tolerance(size_t strategy)
{
    if (strategy == LITERATURE_BPRR)
        return 0.01;
    return strategy == 0 ? 0.05 : 0.03;
}
