/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status.h - what a call can answer.
 *
 * Every function of holm that can fail returns one of these; results come through out-parameters.
 * After any status but HOLM_OK the state is as it was before the call, unless the function says
 * otherwise. The list below is the one source of the names, the numbers and the sentences.
 */
#ifndef HOLM_STATUS_H
#define HOLM_STATUS_H

#if defined(__GNUC__)
#define HOLM_API __attribute__((visibility("default")))
#define HOLM_NODISCARD __attribute__((warn_unused_result))
#else
#define HOLM_API
#define HOLM_NODISCARD
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define HOLM_STATUS_LIST(X)                                                                        \
    X(OK, 0, "success")                                                                            \
    X(ENOMEM, 1, "out of memory; nothing was changed")                                             \
    X(EINVAL, 2, "an argument is not allowed; the function's documentation says what is")          \
    X(ETOOBIG, 3, "a key, name, value or batch is larger than its limit; split it")                \
    X(EBURIED, 4, "the key is buried and refuses writes for good; use another key")                \
    X(EPARTITION, 5, "the batch touches several partitions; give its keys one {tag}")              \
    X(EOVERFLOW, 6, "the counter would leave the range of a 64-bit integer; reset it first")       \
    X(ENOENT, 7, "there is nothing under that key and field")                                      \
    X(ESPACE, 8, "the buffer is too small; call again with the size that was returned")            \
    X(ETIMEDOUT, 9, "time ran out; what was written may still spread")                             \
    X(ECLOSED, 10, "it is closed; open it anew")                                                   \
    X(EMALFORMED, 11, "the bytes are no valid holm message; the peer is broken or hostile")        \
    X(EVERSION, 12, "the peer speaks another wire version; upgrade the older of the two")          \
    X(ECLUSTER, 13, "the peer is of another cluster, or counts its partitions differently")        \
    X(EADDRESS, 14, "the address cannot be used; write tcp://HOST:PORT or ipc:///PATH")            \
    X(EFORK, 15, "this process was forked from one that opened a node; exec a program of its own") \
    X(ELIMIT, 16, "a limit is reached; try again later, or raise the limit")                       \
    X(EIO, 17, "the operating system refused an input or output; see errno and the log")           \
    X(EBUSY, 18, "busy with as much as is allowed at once; try again later")                       \
    X(EDUPLICATE, 19, "another node writes under this node's id and epoch; give each its own id")

enum holm_status {
#define HOLM_STATUS_ENUM(name, value, sentence) HOLM_##name = (value),
    HOLM_STATUS_LIST(HOLM_STATUS_ENUM)
#undef HOLM_STATUS_ENUM
};

/* The sentence of a status, for people; "unknown status" for a number that is none. Static. */
HOLM_API const char *holm_strerror(enum holm_status status);

/* The name of a status as it is written in code, "HOLM_ENOMEM"; never NULL. Static. */
HOLM_API const char *holm_status_name(enum holm_status status);

#ifdef __cplusplus
}
#endif

#endif
