// c-ares for Swift: questions in, answers out, over sockets that one thread looks after. Compiles with c-ares 1.18
// (Debian 12) to 1.34 (Debian 13).
#ifndef CCARES_H
#define CCARES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Servers, sockets and questions under way; used by one thread.
typedef struct ccares ccares;

/// What became of a question.
typedef struct {
    uint64_t id;
    /// Of c-ares: 0 for an answer with records, see `ccares_is_answer`.
    int status;
    /// The message as it came; NULL without one. Freed by `ccares_release`.
    uint8_t *bytes;
    size_t count;
} ccares_answer;

/// Prepares to ask.
/// @param servers   "127.0.0.1:53,[::1]:53"; NULL for those of `settings`.
/// @param settings  The path of resolv.conf.
/// @param timeout_ms How long the first attempt waits; each further one waits twice as long.
/// @param tries     How often each server is asked.
/// @param status    Why NULL was returned.
ccares *ccares_new(const char *servers, const char *settings, int timeout_ms, int tries, int *status);
/// Ends every question without an answer.
void ccares_free(ccares *self);

/// Asks for records of `type` (RFC 1035 §3.2.2) under `name`. The answer may be there at once.
/// @return Whether there is memory for it.
bool ccares_ask(ccares *self, uint64_t id, const char *name, int type);

/// Waits for sockets, time-outs or a wake-up, for at most `most_ms`, and handles what has come.
void ccares_run(ccares *self, int most_ms);

/// Takes the next answer.
bool ccares_take(ccares *self, ccares_answer *answer);
void ccares_release(ccares_answer *answer);

/// A descriptor that any thread may write to by `ccares_wake` as long as `self` lives.
int ccares_wake_descriptor(const ccares *self);
void ccares_wake(int descriptor);

/// Whether `status` comes with a message that answers, be it with "there is none".
bool ccares_is_answer(int status);
bool ccares_is_timeout(int status);
/// c-ares 1.18 does not tell servers that cannot be reached from servers that answer with an error.
bool ccares_is_refused(int status);
const char *ccares_message(int status);

/// Runs `body` on a thread of its own, with all signals blocked. Returns an errno.
int ccares_start_thread(void (*body)(void *context), void *context);

#endif
