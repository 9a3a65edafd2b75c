/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim.h - the parent of the cities: what `holm sim` knows while it runs.
 *
 *     sim.c           the sub-command: options in, exit status out
 *     sim_run.c       the loop: waits for lines, deaths, signals and time
 *     sim_phases.c    from gathering to closing; measures convergence
 *     sim_tale.c      tells the story
 *     sim_fleet.c     the cities: start, death, supervision
 *     sim_process.c   … as processes, which is one way for a city to be
 *     sim_lines.c     what is said to them, and what they say
 *     sim_events.c    what happened, for people
 *     sim_view.c      the table and the lines
 *     sim_verdict.c   the verdict in plain words
 *     sim_json.c      the result, for machines
 *
 * One thread does all of it but writing to the terminal (screen.h), so that a terminal that does
 * not take output never holds up the reading of the journals. The parent never opens a node.
 *
 * What a city is, a table of ways says: a process, or a town in a simulated world
 * (world_cities.c). The story, the phases, the supervisor and the verdict are the same for both.
 */
#ifndef HOLM_CLI_SIM_H
#define HOLM_CLI_SIM_H

#include "cli/screen.h"
#include "cli/sim_options.h"
#include "cli/workdir.h"
#include "sim/city/control.h"
#include "sim/city/ledger.h"
#include "sim/city/process.h"
#include "sim/city/story.h"
#include "sim/city/supervisor.h"
#include "sim/city/verdict.h"

#define HOLM_SIM_EVENTS 64
#define HOLM_SIM_EVENT_BYTES 768 /* two sides of a split of many cities */

enum holm_sim_state {
    HOLM_SIM_STARTING = 1, /* spawned, and has not said hello */
    HOLM_SIM_UP = 2,
    HOLM_SIM_FROZEN = 3,   /* stopped from outside */
    HOLM_SIM_GIVEN_UP = 4, /* dead for good */
    HOLM_SIM_ENDED = 5     /* asked to end, and gone */
};

struct holm_sim_rss {
    uint64_t start_kib;  /* of the present life */
    uint64_t middle_kib; /* at half of the story, of whatever life it was */
    uint64_t end_kib;
    uint64_t peak_kib; /* of all lives */
};

struct holm_sim_city {
    void *town; /* of a simulated world */
    const char *name;
    char listen[128];                                 /* where it is to listen */
    char address[HOLM_JOURNAL_ADDRESS_BYTES_MAX + 1]; /* where it does; "" when not known */
    char errors_path[128];                            /* its stderr */
    struct holm_process process;
    struct holm_supervised supervised;
    enum holm_sim_state state;
    bool stopped;  /* by a signal from outside */
    bool greeted;  /* this life has said hello */
    bool expected; /* its death was ordered: a bomb, or the end */
    bool deaf;     /* killed by the parent, for it read nothing */
    uint32_t life; /* in the ledger */
    uint32_t lives;
    uint64_t bombs, killed, deaf_deaths, crashes, stuck;
    uint64_t died_us;                     /* the last death, 0 for none */
    uint64_t operations, fights, burials; /* of all lives, from the journal */
    /* Of the ended lives; the present one's are reported. */
    uint64_t refused, errors, breaches, pulls, syncs;
    struct holm_ledger_vector goal; /* what others had when this life began */
    bool recovering;
    struct holm_sim_rss rss;
};

/* One measured convergence. */
struct holm_sim_convergence {
    bool heal; /* else the end */
    bool done;
    uint64_t took_us;
};

/* A hero of the story. */
struct holm_sim_who {
    struct holm_hero_id id;
    uint32_t number;
    bool deleted; /* some city was told to bury it */
};

enum holm_sim_phase {
    HOLM_SIM_GATHER = 1, /* until all have found each other */
    HOLM_SIM_BIRTHS = 2, /* until all have the first heroes */
    HOLM_SIM_STORY = 3,
    HOLM_SIM_HEALING = 4, /* after a heal: the story holds its breath until all agree */
    HOLM_SIM_ENDING = 5,  /* the story is over: until all agree */
    HOLM_SIM_DUMPING = 6, /* until all have told all they have */
    HOLM_SIM_CLOSING = 7, /* until all processes have ended */
    HOLM_SIM_DONE = 8
};

struct holm_sim_event {
    uint64_t at_us; /* since the start */
    char text[HOLM_SIM_EVENT_BYTES];
};

struct holm_sim;
struct holm_sim_city;

/* What a city needs to begin a life. Borrowed. */
struct holm_sim_start {
    uint64_t seed;     /* of its dice */
    uint64_t beat_us;  /* of its timers */
    const char *seeds; /* the addresses of others, with commas between */
};

/* How a city lives and dies. Statuses of the dead are as wait(2) gives them. */
struct holm_sim_ways {
    /* Begins a life at city->listen. False: `failure` says why. */
    bool (*start)(struct holm_sim *sim, struct holm_sim_city *city,
                  const struct holm_sim_start *start);
    /* One line, without its newline. HOLM_ELIMIT: it has read nothing for too long. HOLM_ENOMEM */
    enum holm_status (*send)(struct holm_sim_city *city, const char *line);
    /* As holm_process_read(). */
    bool (*read)(struct holm_sim_city *city, holm_process_line *take, void *context);
    /* It dies at once, as by SIGKILL: reap() has it next. */
    void (*kill)(struct holm_sim_city *city);
    /* Who has died, was frozen or goes on since the last call; NULL: nobody. */
    struct holm_sim_city *(*reap)(struct holm_sim *sim, int *status);
    /* Frees what is left of a life that was reaped, and all of whose lines were read. Returns how many
     * were torn. */
    size_t (*bury)(struct holm_sim_city *city);
    /* Waits until a city that was killed is dead; it is not reaped then. */
    void (*await_death)(struct holm_sim_city *city);
    /* Lets time pass until something may have happened, and sets now_us. NULL: descriptors are polled,
     * signals taken, and time is the system's. */
    void (*wait)(struct holm_sim *sim);
};

extern const struct holm_sim_ways holm_sim_process_ways;

struct holm_sim {
    const struct holm_sim_options *options;
    const struct holm_sim_ways *ways;
    bool quiet; /* nothing is shown before the verdict */
    struct holm_story story;
    struct holm_ledger ledger;
    struct holm_workdir workdir;
    struct holm_screen screen;
    struct holm_sim_city cities[HOLM_STORY_CITIES_MAX];
    uint32_t count;
    enum holm_sim_phase phase;
    int signal_fd;
    int ended_by; /* a signal's number, 0 for none */
    bool failed;  /* memory or the system gave out: `failure` says how */
    char failure[160];
    uint64_t started_us, now_us; /* monotonic */
    uint64_t phase_us;           /* when the phase began */
    uint64_t ended_us;           /* when the story was over */
    uint64_t story_us;           /* how much of the story has been told */
    uint64_t told_us;            /* when that was counted */
    size_t next_event;
    uint64_t side;               /* of the present split; 0 for none */
    uint64_t (*split_fights)[2]; /* of each split, how many fights there were on either side */
    size_t split_count, split_capacity;
    uint64_t token;
    uint64_t bombs, splits, assigns, creates, deletes, deaths;
    uint64_t torn;            /* journal lines that were none */
    uint64_t silent;          /* cities that lived and gave no dump */
    struct holm_sim_who *who; /* every hero of the story, by id */
    struct holm_sim_convergence *convergences;
    size_t convergence_count, convergence_capacity;
    uint64_t *recoveries_us; /* from a city's death until it had all that others had then */
    size_t recovery_count, recovery_capacity;
    struct holm_sim_event events[HOLM_SIM_EVENTS]; /* a ring, the newest at event_count - 1 */
    size_t event_count;
    uint64_t drawn_us, sampled_us;
    struct holm_verdict verdict;
};

/* Blocks the signals that the loop will take by itself: to be called before any thread is made.
 * False on failure. */
bool holm_sim_prepare(struct holm_sim *sim);

/* Milliseconds until something is due at the latest. */
int holm_sim_patience_ms(const struct holm_sim *sim);

/* Runs the whole of it, from the first process to the last. False when it could not be run; then
 * `failure` says why. */
bool holm_sim_run(struct holm_sim *sim);

/* Frees what a run has gathered, the story and the ledger. */
void holm_sim_release(struct holm_sim *sim);

/* Goes from phase to phase, as far as what each waits for has come. */
void holm_sim_advance(struct holm_sim *sim);
void holm_sim_enter(struct holm_sim *sim, enum holm_sim_phase phase);
/* Tells the story as far as time has gone. */
void holm_sim_tell_story(struct holm_sim *sim);
/* Has the first heroes made. */
void holm_sim_bear_heroes(struct holm_sim *sim);

/* Starts every city. False on failure. */
bool holm_sim_fleet_start(struct holm_sim *sim);
/* Learns who died, was frozen, or goes on, and restarts the dead as the supervisor says. */
void holm_sim_fleet_reap(struct holm_sim *sim);
/* Takes the lines that one city has written. False at the end of its journal. */
bool holm_sim_fleet_read(struct holm_sim *sim, struct holm_sim_city *city);
void holm_sim_fleet_bomb(struct holm_sim *sim, struct holm_sim_city *city);
/* Kills it, and leaves it dead. */
void holm_sim_fleet_give_up(struct holm_sim *sim, struct holm_sim_city *city);
void holm_sim_fleet_sample(struct holm_sim *sim); /* memory of the living */
/* Kills what still lives, without waiting for it to agree, and closes everything. */
void holm_sim_fleet_end(struct holm_sim *sim);
bool holm_sim_is_living(const struct holm_sim_city *city);
bool holm_sim_is_cut(const struct holm_sim *sim, uint32_t a, uint32_t b);
uint32_t holm_sim_living(const struct holm_sim *sim);

void holm_sim_send(struct holm_sim *sim, struct holm_sim_city *city,
                   const struct holm_control *control);
void holm_sim_send_text(struct holm_sim *sim, struct holm_sim_city *city,
                        enum holm_control_type type, const char *text);
/* Hold or go, as the phase has it, under the present token. */
void holm_sim_send_hold(struct holm_sim *sim, struct holm_sim_city *city);
void holm_sim_send_all(struct holm_sim *sim, enum holm_control_type type);
/* Tells all to hold, or to go on, under a new token. */
void holm_sim_hold_all(struct holm_sim *sim, bool hold);

__attribute__((format(printf, 2, 3))) void holm_sim_tell(struct holm_sim *sim, const char *format,
                                                         ...);
__attribute__((format(printf, 2, 3))) void holm_sim_fail(struct holm_sim *sim, const char *format,
                                                         ...);
/* Makes `who`. HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_sim_know_heroes(struct holm_sim *sim);
/* NULL for one that is not of the story. */
struct holm_sim_who *holm_sim_find_hero(const struct holm_sim *sim, struct holm_hero_id id);
/* A hero's burial in `city`, as its journal tells it. */
void holm_sim_tell_burial(struct holm_sim *sim, const struct holm_sim_city *city,
                          struct holm_hero_id id);
/* The word that goes with the number: `one` for 1 alone. */
const char *holm_sim_plural(uint64_t count, const char *one, const char *many);
/* Draws the table, or writes a line of figures, when it is time. */
void holm_sim_draw(struct holm_sim *sim);
/* The verdict in plain words, and the last state of the table; to the screen's stream. */
void holm_sim_print_verdict(struct holm_sim *sim);
/* Writes the JSON to its file, through a temporary one beside it. False: see errno. */
bool holm_sim_write_json(const struct holm_sim *sim, const char *path);

bool holm_sim_converged(const struct holm_sim *sim);
/* Sums over the cities. */
struct holm_sim_totals {
    uint64_t operations, fights, refused, errors, breaches, restarts, killed, deaf_deaths, crashes,
        stuck, given_up, pulls, syncs;
};
void holm_sim_total(const struct holm_sim *sim, struct holm_sim_totals *totals);
/* Every check but convergence. */
bool holm_sim_checks_hold(const struct holm_sim *sim);

#endif
