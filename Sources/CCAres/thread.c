#include "CCAres.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

typedef struct {
    void (*body)(void *context);
    void *context;
} start;

static void *thread_main(void *argument) {
    start started = *(start *)argument;
    free(argument);
    started.body(started.context);
    return NULL;
}

int ccares_start_thread(void (*body)(void *context), void *context) {
    start *started = malloc(sizeof(*started));
    if (started == NULL) return ENOMEM;
    *started = (start){.body = body, .context = context};
    // c-ares writes to TCP sockets without MSG_NOSIGNAL; handlers of the program belong on its own threads.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_t attributes;
    int code = pthread_attr_init(&attributes);
    if (code == 0) {
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        pthread_t thread;
        code = pthread_create(&thread, &attributes, thread_main, started);
        pthread_attr_destroy(&attributes);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code != 0) free(started);
    return code;
}
