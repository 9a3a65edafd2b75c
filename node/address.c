/* SPDX-License-Identifier: Apache-2.0 */
#include "node/address.h"

#include <stdio.h>

#define PORT_MAX 65535

static bool starts_with(struct holm_bytes address, const char *scheme)
{
    size_t size = strlen(scheme);

    return address.size >= size && memcmp(address.data, scheme, size) == 0;
}

static struct holm_bytes skip(struct holm_bytes bytes, size_t size)
{
    return holm_mem((const char *)bytes.data + size, bytes.size - size);
}

/* White space and control characters have no place in an address; a log line would suffer. */
static bool is_printable(struct holm_bytes address)
{
    const unsigned char *bytes = address.data;

    for (size_t i = 0; i < address.size; i++)
        if (bytes[i] <= ' ' || bytes[i] == 0x7f)
            return false;
    return true;
}

static bool is_port(struct holm_bytes port, bool listening)
{
    const char *digits = port.data;
    uint32_t number = 0;

    if (port.size == 0 || port.size > 5)
        return false;
    for (size_t i = 0; i < port.size; i++) {
        if (digits[i] < '0' || digits[i] > '9')
            return false;
        number = number * 10 + (uint32_t)(digits[i] - '0');
    }
    return number <= PORT_MAX && (number > 0 || listening);
}

/* HOST:PORT, the host not looked at but for its brackets: colons of its own need them. */
static bool is_host_and_port(struct holm_bytes rest, bool listening)
{
    const char *text = rest.data;
    size_t host = rest.size;

    while (host > 0 && text[host - 1] != ':')
        host--;
    if (host <= 1)
        return false;
    host--;

    if (text[0] == '[' ? host <= 2 || text[host - 1] != ']' : memchr(text, ':', host) != NULL)
        return false;
    return is_port(skip(rest, host + 1), listening);
}

/* The bytes of "tcp://" or "tls+tcp://" at its beginning; 0: neither. */
static size_t scheme_bytes(struct holm_bytes address)
{
    return starts_with(address, "tls+tcp://") ? 10 : starts_with(address, "tcp://") ? 6 : 0;
}

bool holm_address_valid(struct holm_bytes address, bool listening)
{
    size_t scheme = scheme_bytes(address);

    if (address.size >= HOLM_ADDRESS_BYTES_MAX || !is_printable(address))
        return false;
    if (scheme > 0)
        return is_host_and_port(skip(address, scheme), listening);
    return starts_with(address, "ipc:///") && address.size > 7;
}

bool holm_address_of_http(char result[HOLM_ADDRESS_BYTES_MAX + 1], const char *url)
{
    struct holm_bytes rest = holm_str(url);

    if (!starts_with(rest, "http://"))
        return false;
    rest = skip(rest, 7);
    if (rest.size > 0 && ((const char *)rest.data)[rest.size - 1] == '/')
        rest.size--;
    if (rest.size + 6 >= HOLM_ADDRESS_BYTES_MAX)
        return false;
    snprintf(result, HOLM_ADDRESS_BYTES_MAX + 1, "tcp://%.*s", (int)rest.size,
             (const char *)rest.data);
    return holm_address_valid(holm_str(result), false);
}

bool holm_address_is_name(struct holm_bytes address)
{
    if (!starts_with(address, "dns+") || address.size >= HOLM_ADDRESS_BYTES_MAX ||
        !is_printable(address))
        return false;
    struct holm_bytes plain = skip(address, 4);
    size_t scheme = scheme_bytes(plain);
    if (scheme == 0 || !is_host_and_port(skip(plain, scheme), false))
        return false;
    return ((const char *)plain.data)[scheme] != '[' && !holm_address_is_wildcard(plain);
}

/* Where its last colon is. */
static size_t port_of(struct holm_bytes address)
{
    size_t at = address.size;
    while (((const char *)address.data)[--at] != ':')
        HOLM_ASSERT(at > 0);
    return at;
}

void holm_address_host_of_name(char host[HOLM_ADDRESS_BYTES_MAX + 1], struct holm_bytes address)
{
    HOLM_ASSERT(holm_address_is_name(address));
    size_t from = 4 + scheme_bytes(skip(address, 4));
    size_t size = port_of(address) - from;
    memcpy(host, (const char *)address.data + from, size);
    host[size] = '\0';
}

void holm_address_of_name(char result[HOLM_ADDRESS_BYTES_MAX + 1], struct holm_bytes address,
                          const char *host)
{
    HOLM_ASSERT(holm_address_is_name(address));
    const char *text = address.data;
    size_t port = port_of(address);
    memset(result, 0, HOLM_ADDRESS_BYTES_MAX + 1);
    int written = snprintf(result, HOLM_ADDRESS_BYTES_MAX + 1, "%.*s%s%.*s",
                           (int)scheme_bytes(skip(address, 4)), text + 4, host,
                           (int)(address.size - port), text + port);
    if (written > HOLM_ADDRESS_BYTES_MAX)
        result[0] = '\0';
}

const char *holm_address_objection(struct holm_bytes address, bool tls, bool insecure)
{
    bool name = starts_with(address, "dns+");
    if (name)
        address = skip(address, 4);
    if (starts_with(address, "tls+tcp://"))
        return tls ? NULL : HOLM_ADDRESS_BARE;
    if (insecure || scheme_bytes(address) == 0)
        return NULL;
    if (!name && holm_address_is_exposed(address))
        return HOLM_ADDRESS_EXPOSED;
    return tls ? HOLM_ADDRESS_PLAIN : NULL;
}

bool holm_address_is_local(struct holm_bytes address)
{
    if (starts_with(address, "tls+"))
        address = skip(address, 4);
    return !holm_address_is_exposed(address);
}

bool holm_address_is_wildcard(struct holm_bytes address)
{
    if (starts_with(address, "tls+"))
        address = skip(address, 4);
    return starts_with(address, "tcp://*:") || starts_with(address, "tcp://0.0.0.0:") ||
           starts_with(address, "tcp://[::]:");
}

void holm_address_with_host(char result[HOLM_ADDRESS_BYTES_MAX + 1], struct holm_bytes address,
                            const char *host)
{
    size_t port = address.size;

    HOLM_ASSERT(holm_address_is_wildcard(address));
    while (((const char *)address.data)[port - 1] != ':')
        port--;

    int written = snprintf(result, HOLM_ADDRESS_BYTES_MAX + 1, "%.*s%s:%.*s",
                           (int)scheme_bytes(address), (const char *)address.data, host,
                           (int)(address.size - port), (const char *)address.data + port);

    if (host[0] == '\0' || written > HOLM_ADDRESS_BYTES_MAX)
        result[0] = '\0';
}

static bool is_separator(char character)
{
    return character == ',' || character == ' ' || character == '\t' || character == '\n' ||
           character == '\r';
}

bool holm_address_next(struct holm_bytes *list, struct holm_bytes *address)
{
    const char *text = list->data;
    size_t from = 0;

    while (from < list->size && is_separator(text[from]))
        from++;

    size_t end = from;

    while (end < list->size && !is_separator(text[end]))
        end++;
    *address = from == list->size ? holm_mem(NULL, 0) : holm_mem(text + from, end - from);
    if (end > 0)
        *list = skip(*list, end);
    return address->size > 0;
}
