#include "CSystem.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

_Static_assert(CS_READABLE == EPOLLIN && CS_WRITABLE == EPOLLOUT && CS_ERROR == EPOLLERR && CS_HANGUP == EPOLLHUP &&
                   CS_PEER_CLOSED == EPOLLRDHUP,
               "event bits");

static int answer(int result) { return result < 0 ? -errno : result; }

int cs_epoll_create(void) { return answer(epoll_create1(EPOLL_CLOEXEC)); }

static int control(int epoll, int operation, int fd, uint32_t events, uint64_t token) {
    struct epoll_event event = {.events = events, .data.u64 = token};
    return answer(epoll_ctl(epoll, operation, fd, &event));
}

int cs_epoll_add(int epoll, int fd, uint32_t events, uint64_t token) {
    return control(epoll, EPOLL_CTL_ADD, fd, events, token);
}

int cs_epoll_modify(int epoll, int fd, uint32_t events, uint64_t token) {
    return control(epoll, EPOLL_CTL_MOD, fd, events, token);
}

int cs_epoll_remove(int epoll, int fd) { return control(epoll, EPOLL_CTL_DEL, fd, 0, 0); }

int cs_epoll_wait(int epoll, struct cs_event *out, int capacity, int64_t timeout_ns) {
    struct epoll_event events[256];
    if (capacity > 256) capacity = 256;
    int count;
    if (timeout_ns <= 0) {
        count = epoll_wait(epoll, events, capacity, timeout_ns == 0 ? 0 : -1);
    } else {
        struct timespec timeout = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
        count = epoll_pwait2(epoll, events, capacity, &timeout, NULL);
        // Kernels before 5.11 lack epoll_pwait2, and some sandboxes refuse it: round up to milliseconds.
        if (count < 0 && (errno == ENOSYS || errno == EPERM)) {
            int64_t ms = timeout_ns / 1000000 + 1;
            count = epoll_wait(epoll, events, capacity, ms > 1000000 ? 1000000 : (int)ms);
        }
    }
    if (count < 0) return errno == EINTR ? 0 : -errno;
    for (int i = 0; i < count; i++) {
        out[i].events = events[i].events;
        out[i].token = events[i].data.u64;
    }
    return count;
}

int cs_eventfd_create(void) { return answer(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

void cs_eventfd_signal(int fd) {
    uint64_t one = 1;
    ssize_t ignored = write(fd, &one, sizeof one);
    (void)ignored;
}

void cs_eventfd_drain(int fd) {
    uint64_t count;
    ssize_t ignored = read(fd, &count, sizeof count);
    (void)ignored;
}

int64_t cs_monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t cs_process_cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

// Read on every hop between tasks and sockets; the initial-exec model makes that one load.
static __thread void *thread_loop __attribute__((tls_model("initial-exec")));

void *cs_thread_loop(void) { return thread_loop; }
void cs_set_thread_loop(void *loop) { thread_loop = loop; }

struct thread_start {
    void *(*body)(void *);
    void *argument;
    char name[16];
};

static void *thread_main(void *raw) {
    struct thread_start start = *(struct thread_start *)raw;
    free(raw);
    pthread_setname_np(pthread_self(), start.name);
    return start.body(start.argument);
}

int cs_thread_start(const char *name, void *(*body)(void *), void *argument, uint64_t *handle) {
    struct thread_start *start = malloc(sizeof *start);
    if (start == NULL) return -ENOMEM;
    start->body = body;
    start->argument = argument;
    snprintf(start->name, sizeof start->name, "%s", name);
    // Signals belong to the program's own threads.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    int code = pthread_create(&thread, NULL, thread_main, start);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code != 0) {
        free(start);
        return -code;
    }
    *handle = (uint64_t)thread;
    return 0;
}

int cs_thread_join(uint64_t handle) { return -pthread_join((pthread_t)handle, NULL); }

int cs_close(int fd) { return answer(close(fd)); }

int cs_socket_stream(int family) { return answer(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)); }

int cs_listen(int fd, const struct sockaddr *address, socklen_t length, int backlog, enum cs_port_sharing sharing) {
    int on = 1;
    if (address->sa_family != AF_UNIX) {
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0) return -errno;
        if (sharing == cs_port_joined && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0) return -errno;
        if (address->sa_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    if (bind(fd, address, length) < 0) return -errno;
    if (sharing == cs_port_shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0) return -errno;
    return answer(listen(fd, backlog));
}

int cs_connect(int fd, const struct sockaddr *address, socklen_t length) {
    return answer(connect(fd, address, length));
}

int cs_accept(int fd, struct sockaddr_storage *address, socklen_t *length) {
    *length = sizeof *address;
    return answer(accept4(fd, (struct sockaddr *)address, length, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

int cs_local_address(int fd, struct sockaddr_storage *address, socklen_t *length) {
    *length = sizeof *address;
    return answer(getsockname(fd, (struct sockaddr *)address, length));
}

void cs_shutdown_write(int fd) { shutdown(fd, SHUT_WR); }

int cs_socket_error(int fd) {
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0) return errno;
    return error;
}

void cs_set_no_delay(int fd) {
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

ssize_t cs_read(int fd, void *buffer, size_t capacity) {
    ssize_t count = read(fd, buffer, capacity);
    return count < 0 ? -errno : count;
}

ssize_t cs_read_both(int fd, void *first, size_t first_capacity, void *second, size_t second_capacity) {
    struct iovec segments[] = {{first, first_capacity}, {second, second_capacity}};
    ssize_t count = readv(fd, segments, 2);
    return count < 0 ? -errno : count;
}

ssize_t cs_writev(int fd, const struct iovec *segments, int count) {
    struct msghdr message = {.msg_iov = (struct iovec *)segments, .msg_iovlen = (size_t)count};
    ssize_t written = sendmsg(fd, &message, MSG_NOSIGNAL);
    return written < 0 ? -errno : written;
}

socklen_t cs_parse_ip(const char *text, uint16_t port, struct sockaddr_storage *out) {
    memset(out, 0, sizeof *out);
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        return sizeof *v4;
    }
    char address[INET6_ADDRSTRLEN];
    size_t length = strcspn(text, "%");
    if (length >= sizeof address) return 0;
    memcpy(address, text, length);
    address[length] = 0;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    if (inet_pton(AF_INET6, address, &v6->sin6_addr) != 1) return 0;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    if (text[length] == '%') {
        v6->sin6_scope_id = if_nametoindex(text + length + 1);
        if (v6->sin6_scope_id == 0) return 0;
    }
    return sizeof *v6;
}

socklen_t cs_unix_address(const char *path, struct sockaddr_storage *out) {
    memset(out, 0, sizeof *out);
    struct sockaddr_un *address = (struct sockaddr_un *)out;
    size_t length = strlen(path);
    if (length >= sizeof address->sun_path) return 0;
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, length + 1);
    return sizeof *address;
}

int cs_ip_get(const struct sockaddr_storage *address, struct cs_ip *out) {
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
        *out = (struct cs_ip){.low = ntohl(v4->sin_addr.s_addr), .port = ntohs(v4->sin_port), .family = AF_INET};
        return 0;
    }
    if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
        uint64_t parts[2];
        memcpy(parts, &v6->sin6_addr, sizeof parts);
        *out = (struct cs_ip){.high = be64toh(parts[0]),
                              .low = be64toh(parts[1]),
                              .scope = v6->sin6_scope_id,
                              .port = ntohs(v6->sin6_port),
                              .family = AF_INET6};
        return 0;
    }
    return -1;
}

socklen_t cs_ip_put(const struct cs_ip *address, int mapped, struct sockaddr_storage *out) {
    if (address->family == AF_INET && !mapped) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)out;
        memset(v4, 0, sizeof *v4);
        v4->sin_family = AF_INET;
        v4->sin_port = htons(address->port);
        v4->sin_addr.s_addr = htonl((uint32_t)address->low);
        return sizeof *v4;
    }
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    memset(v6, 0, sizeof *v6);
    int is_v4 = address->family == AF_INET;
    uint64_t parts[2] = {htobe64(is_v4 ? 0 : address->high), htobe64(is_v4 ? 0xffff00000000u | address->low : address->low)};
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(address->port);
    v6->sin6_scope_id = is_v4 ? 0 : address->scope;
    memcpy(&v6->sin6_addr, parts, sizeof parts);
    return sizeof *v6;
}

int cs_format_ip(const struct sockaddr_storage *address, char *host, size_t capacity) {
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
        return inet_ntop(AF_INET, &v4->sin_addr, host, (socklen_t)capacity) ? ntohs(v4->sin_port) : -1;
    }
    if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
        return inet_ntop(AF_INET6, &v6->sin6_addr, host, (socklen_t)capacity) ? ntohs(v6->sin6_port) : -1;
    }
    return -1;
}

int cs_resolve(const char *name, uint16_t port, struct sockaddr_storage *out, socklen_t *lengths, int capacity) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    struct addrinfo *list = NULL;
    int code = getaddrinfo(name, service, &hints, &list);
    if (code != 0) {
        // Without any configured interface but loopback, AI_ADDRCONFIG hides every address.
        hints.ai_flags = 0;
        code = getaddrinfo(name, service, &hints, &list);
    }
    if (code != 0) return code < 0 ? code : -code;
    int count = 0;
    for (struct addrinfo *entry = list; entry != NULL && count < capacity; entry = entry->ai_next) {
        if (entry->ai_addrlen > sizeof *out) continue;
        memset(&out[count], 0, sizeof *out);
        memcpy(&out[count], entry->ai_addr, entry->ai_addrlen);
        lengths[count++] = entry->ai_addrlen;
    }
    freeaddrinfo(list);
    return count;
}

const char *cs_resolve_error(int code) { return gai_strerror(code); }
