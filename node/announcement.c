/* SPDX-License-Identifier: Apache-2.0 */
#include "node/announcement.h"

#include "node/address.h"

#define HEAD_BYTES 44

static const uint8_t head[5] = {'h', 'o', 'l', 'm', 1};

static void put(uint8_t *bytes, uint64_t number)
{
    for (size_t i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(number >> (8 * i));
}

static uint64_t get(const uint8_t *bytes)
{
    uint64_t number = 0;
    for (size_t i = 8; i-- > 0;)
        number = number << 8 | bytes[i];
    return number;
}

size_t holm_announcement_encode(const struct holm_announcement *announcement,
                                struct holm_secret *secret,
                                uint8_t bytes[HOLM_ANNOUNCEMENT_BYTES_MAX])
{
    size_t size = strlen(announcement->address);
    HOLM_ASSERT(size < HOLM_ADDRESS_BYTES_MAX && announcement->number > 0);
    memset(bytes, 0, HEAD_BYTES);
    memcpy(bytes, head, sizeof head);
    bytes[5] = (uint8_t)size;
    put(bytes + 12, announcement->actor.node.value);
    put(bytes + 20, announcement->actor.epoch.value);
    put(bytes + 28, announcement->number);
    put(bytes + 36, announcement->wall_ms);
    memcpy(bytes + HEAD_BYTES, announcement->address, size);
    size += HEAD_BYTES;
    put(bytes + size, holm_secret_cluster(secret));
    size += 8;
    holm_secret_vouch(secret, holm_mem(bytes, size), bytes + size);
    return size + HOLM_VOUCHER_BYTES;
}

static bool has_form(const uint8_t *bytes, size_t size)
{
    static const uint8_t zeros[6];
    return size >= HOLM_ANNOUNCEMENT_BYTES_MIN && size <= HOLM_ANNOUNCEMENT_BYTES_MAX &&
           memcmp(bytes, head, sizeof head) == 0 &&
           size == HOLM_ANNOUNCEMENT_BYTES_MIN + (size_t)bytes[5] &&
           memcmp(bytes + 6, zeros, sizeof zeros) == 0;
}

/* What a member says that is none: bytes of a newer one, or of a liar. */
static bool makes_sense(const struct holm_announcement *announcement, struct holm_bytes address)
{
    if (announcement->actor.node.value == 0 || announcement->actor.epoch.value == 0 ||
        announcement->number == 0)
        return false;
    return address.size == 0 ||
           (holm_address_valid(address, false) && !holm_address_is_wildcard(address));
}

enum holm_announced holm_announcement_decode(struct holm_bytes bytes, struct holm_secret *secret,
                                             struct holm_announcement *announcement)
{
    const uint8_t *at = bytes.data;
    if (!has_form(at, bytes.size))
        return HOLM_ANNOUNCED_MALFORMED;
    size_t vouched = bytes.size - HOLM_VOUCHER_BYTES;
    uint64_t cluster;
    if (!holm_secret_vouches(secret, holm_mem(at, vouched), at + vouched, &cluster))
        return HOLM_ANNOUNCED_UNAUTHENTIC;
    struct holm_bytes address = holm_mem(at + HEAD_BYTES, at[5]);
    struct holm_announcement read = {
        .actor = {{get(at + 12)}, {get(at + 20)}}, .number = get(at + 28), .wall_ms = get(at + 36)};
    if (get(at + vouched - 8) != cluster)
        return HOLM_ANNOUNCED_FOREIGN;
    if (!makes_sense(&read, address))
        return HOLM_ANNOUNCED_MALFORMED;
    memcpy(read.address, address.data, address.size);
    *announcement = read;
    return HOLM_ANNOUNCED;
}
