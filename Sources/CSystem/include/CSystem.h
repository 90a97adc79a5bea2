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
/// Who else may listen on a port.
enum cs_port_sharing {
    cs_port_alone,
    /// Nobody has it yet; later sockets of this process may join.
    cs_port_shared,
    /// One of this process has it already.
    cs_port_joined,
};
/// Binds and listens.
int cs_listen(int fd, const struct sockaddr *address, socklen_t length, int backlog, enum cs_port_sharing sharing);
int cs_connect(int fd, const struct sockaddr *address, socklen_t length);
int cs_accept(int fd, struct sockaddr_storage *address, socklen_t *length);
int cs_local_address(int fd, struct sockaddr_storage *address, socklen_t *length);
/// Ends the sending direction.
void cs_shutdown_write(int fd);
/// The pending error of a socket (SO_ERROR), as a positive errno, 0 if none.
int cs_socket_error(int fd);
void cs_set_no_delay(int fd);
ssize_t cs_read(int fd, void *buffer, size_t capacity);
/// Fills `first`, then `second`.
ssize_t cs_read_both(int fd, void *first, size_t first_capacity, void *second, size_t second_capacity);
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

// MARK: UDP (udp.c)

#define CS_UDP_GRO 0x01u
#define CS_UDP_GSO 0x02u
#define CS_UDP_ECN 0x04u
#define CS_UDP_PKTINFO 0x08u
#define CS_UDP_DONT_FRAGMENT 0x10u
#define CS_UDP_ERROR_QUEUE 0x20u

/// How many datagrams (or trains of them, with GRO) one call takes at most.
#define CS_UDP_MAX_MESSAGES 32
/// How many datagrams one call sends at most (UDP_MAX_SEGMENTS of Linux before 6.9).
#define CS_UDP_MAX_SEGMENTS 64

/// What was received into one slot of the buffer.
struct cs_udp_message {
    struct cs_ip remote;
    /// Where it was sent to, port 0; family 0 when the kernel does not say.
    struct cs_ip local;
    uint32_t length;
    /// The length of each datagram but the last, which may be shorter.
    uint32_t segment;
    uint8_t ecn;
    uint8_t truncated;
};

/// An error that came back for something sent earlier.
struct cs_udp_error {
    struct cs_ip remote;
    int error;
    /// With EMSGSIZE: the MTU that the router named.
    uint32_t mtu;
};

/// What the datagrams of one call have in common.
struct cs_udp_send {
    struct cs_ip remote;
    /// The source address, its port ignored; family 0: the kernel's choice.
    struct cs_ip local;
    /// The family of the socket.
    uint16_t family;
    uint8_t ecn;
    uint8_t is_connected;
    uint8_t connected_v4;
};

/// A non-blocking, close-on-exec datagram socket.
int cs_udp_open(int family);
/// Turns on what is in `wanted` (CS_UDP_…) and answers what the kernel granted.
uint32_t cs_udp_enable(int fd, int family, uint32_t wanted);
/// Asks for room in bytes and answers what there is now.
int cs_udp_receive_buffer(int fd, int bytes);
int cs_udp_send_buffer(int fd, int bytes);
int cs_udp_bind(int fd, const struct cs_ip *address, int dual_stack);
/// Lets further sockets of this user that also share bind the port, from now on.
int cs_udp_share_port(int fd);
int cs_udp_connect(int fd, const struct cs_ip *address, int mapped);
int cs_udp_local(int fd, struct cs_ip *out);
/// Receives at most `slots` messages, the i-th at `i * slot_bytes`. Answers how many.
int cs_udp_receive(int fd, void *buffer, size_t slot_bytes, int slots, struct cs_udp_message *out);
/// Takes one entry off the error queue; -EAGAIN when it is empty.
int cs_udp_take_error(int fd, struct cs_udp_error *out);
/// Sends all or nothing; datagrams of `segment` bytes each (0: one datagram) are cut by the kernel. Answers 0.
int cs_udp_send(int fd, const struct cs_udp_send *send, const void *bytes, size_t length, size_t segment);
/// Sends at most CS_UDP_MAX_SEGMENTS datagrams of `segment` bytes (above 0), one by one. Answers how many went.
int cs_udp_send_each(int fd, const struct cs_udp_send *send, const void *bytes, size_t length, size_t segment);

/// CPU time of this process in nanoseconds.
int64_t cs_process_cpu_ns(void);

#endif
