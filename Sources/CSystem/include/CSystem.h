// The few Linux calls that Swift's Glibc module does not show, and socket calls whose C types are
// awkward in Swift. Every function returns its result or the negated errno; none touches errno's
// caller-visible value as its answer.
#ifndef CSYSTEM_H
#define CSYSTEM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

// MARK: Event loop

/// What epoll reports for one descriptor.
struct cs_event {
    uint32_t events;
    uint64_t token;
};

#define CS_READABLE 0x001u    // EPOLLIN
#define CS_WRITABLE 0x004u    // EPOLLOUT
#define CS_ERROR 0x008u       // EPOLLERR
#define CS_HANGUP 0x010u      // EPOLLHUP
#define CS_PEER_CLOSED 0x2000u // EPOLLRDHUP

int cs_epoll_create(void);
int cs_epoll_add(int epoll, int fd, uint32_t events, uint64_t token);
int cs_epoll_modify(int epoll, int fd, uint32_t events, uint64_t token);
int cs_epoll_remove(int epoll, int fd);
/// Waits at most `timeout_ns` (negative: for ever). Interrupted waits answer 0.
int cs_epoll_wait(int epoll, struct cs_event *out, int capacity, int64_t timeout_ns);

int cs_eventfd_create(void);
void cs_eventfd_signal(int fd);
void cs_eventfd_drain(int fd);

/// CLOCK_MONOTONIC in nanoseconds.
int64_t cs_monotonic_ns(void);

/// One pointer per thread: the event loop that runs on it.
void *cs_thread_loop(void);
void cs_set_thread_loop(void *loop);

/// Starts a detached-on-exit thread named `name` (at most 15 bytes are kept).
int cs_thread_start(const char *name, void *(*body)(void *), void *argument, uint64_t *handle);
int cs_thread_join(uint64_t handle);

// MARK: Sockets

int cs_close(int fd);
/// A non-blocking, close-on-exec stream socket.
int cs_socket_stream(int family);
/// Binds and listens; `reuse_port` shares the port among the loops of one process.
int cs_listen(int fd, const struct sockaddr *address, socklen_t length, int backlog, int reuse_port);
int cs_connect(int fd, const struct sockaddr *address, socklen_t length);
int cs_accept(int fd, struct sockaddr_storage *address, socklen_t *length);
int cs_local_address(int fd, struct sockaddr_storage *address, socklen_t *length);
/// Ends the sending direction.
void cs_shutdown_write(int fd);
/// The pending error of a socket (SO_ERROR), as a positive errno, 0 if none.
int cs_socket_error(int fd);
void cs_set_no_delay(int fd);
ssize_t cs_read(int fd, void *buffer, size_t capacity);
/// Gathers without raising SIGPIPE.
ssize_t cs_writev(int fd, const struct iovec *segments, int count);

// MARK: Addresses

/// Fills in an IPv4 or IPv6 (with optional %zone) address; 0 when `text` is neither.
socklen_t cs_parse_ip(const char *text, uint16_t port, struct sockaddr_storage *out);
/// A Unix domain socket's address; 0 when `path` is too long.
socklen_t cs_unix_address(const char *path, struct sockaddr_storage *out);
/// An IPv4 or IPv6 address with its parts in the host's byte order, an IPv4 address in `low`; family 0: none.
struct cs_ip {
    uint64_t high;
    uint64_t low;
    uint32_t scope;
    uint16_t port;
    uint16_t family;
};
/// Answers 0, or -1 for another family.
int cs_ip_get(const struct sockaddr_storage *address, struct cs_ip *out);
/// Answers the length; with `mapped`, IPv4 in the notation of IPv6.
socklen_t cs_ip_put(const struct cs_ip *address, int mapped, struct sockaddr_storage *out);
/// Writes the numeric host into `host` and answers the port, or -1 for another family.
int cs_format_ip(const struct sockaddr_storage *address, char *host, size_t capacity);
/// Looks `name` up (blocking). Answers how many addresses were written, or a negated EAI_ code.
int cs_resolve(const char *name, uint16_t port, struct sockaddr_storage *out, socklen_t *lengths, int capacity);
/// The text of an EAI_ code.
const char *cs_resolve_error(int code);

/// CPU time of this process in nanoseconds.
int64_t cs_process_cpu_ns(void);

#endif
