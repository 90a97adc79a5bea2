#include "CSystem.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>

// Not in every version of the C library's headers.
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

static int answer(int result) { return result < 0 ? -errno : result; }

static int set(int fd, int level, int name, int value) { return setsockopt(fd, level, name, &value, sizeof value); }

static int get(int fd, int level, int name) {
    int value = 0;
    socklen_t length = sizeof value;
    return getsockopt(fd, level, name, &value, &length) < 0 ? -1 : value;
}

int cs_udp_open(int family) { return answer(socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)); }

uint32_t cs_udp_enable(int fd, int family, uint32_t wanted) {
    uint32_t granted = 0;
    int v6 = family == AF_INET6;
    if ((wanted & CS_UDP_GRO) && set(fd, IPPROTO_UDP, UDP_GRO, 1) == 0) granted |= CS_UDP_GRO;
    if ((wanted & CS_UDP_GSO) && get(fd, IPPROTO_UDP, UDP_SEGMENT) >= 0) granted |= CS_UDP_GSO;
    // A dual-stack socket takes the options of IPv4 as well; one for IPv6 alone may refuse them.
    if (wanted & CS_UDP_ECN) {
        int v4_on = set(fd, IPPROTO_IP, IP_RECVTOS, 1) == 0;
        if (v6 ? set(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1) == 0 : v4_on) granted |= CS_UDP_ECN;
    }
    if (wanted & CS_UDP_PKTINFO) {
        int on = v6 ? set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) == 0 : set(fd, IPPROTO_IP, IP_PKTINFO, 1) == 0;
        if (on) granted |= CS_UDP_PKTINFO;
    }
    if (wanted & CS_UDP_DONT_FRAGMENT) {
        int v4_on = set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE) == 0;
        if (v6 ? set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE) == 0 : v4_on)
            granted |= CS_UDP_DONT_FRAGMENT;
    }
    if (wanted & CS_UDP_ERROR_QUEUE) {
        int v4_on = set(fd, IPPROTO_IP, IP_RECVERR, 1) == 0;
        if (v6 ? set(fd, IPPROTO_IPV6, IPV6_RECVERR, 1) == 0 : v4_on) granted |= CS_UDP_ERROR_QUEUE;
    }
    return granted;
}

static int buffer(int fd, int name, int forced_name, int bytes) {
    // The forced form needs CAP_NET_ADMIN and ignores the system's limit.
    if (set(fd, SOL_SOCKET, forced_name, bytes) < 0) set(fd, SOL_SOCKET, name, bytes);
    // The kernel doubles what it is asked for, as room for its own bookkeeping.
    return get(fd, SOL_SOCKET, name) / 2;
}

int cs_udp_receive_buffer(int fd, int bytes) { return buffer(fd, SO_RCVBUF, SO_RCVBUFFORCE, bytes); }
int cs_udp_send_buffer(int fd, int bytes) { return buffer(fd, SO_SNDBUF, SO_SNDBUFFORCE, bytes); }

int cs_udp_bind(int fd, const struct cs_ip *address, int dual_stack) {
    struct sockaddr_storage storage;
    socklen_t length = cs_ip_put(address, 0, &storage);
    if (address->family == AF_INET6 && set(fd, IPPROTO_IPV6, IPV6_V6ONLY, !dual_stack) < 0) return -errno;
    return answer(bind(fd, (struct sockaddr *)&storage, length));
}

int cs_udp_share_port(int fd) { return answer(set(fd, SOL_SOCKET, SO_REUSEPORT, 1)); }

int cs_udp_connect(int fd, const struct cs_ip *address, int mapped) {
    struct sockaddr_storage storage;
    socklen_t length = cs_ip_put(address, mapped, &storage);
    return answer(connect(fd, (struct sockaddr *)&storage, length));
}

int cs_udp_local(int fd, struct cs_ip *out) {
    struct sockaddr_storage storage;
    socklen_t length = sizeof storage;
    if (getsockname(fd, (struct sockaddr *)&storage, &length) < 0) return -errno;
    return cs_ip_get(&storage, out) == 0 ? 0 : -EAFNOSUPPORT;
}

// MARK: Receiving

// Room for the segment size, the traffic class of either family, and the local address.
#define CONTROL_BYTES 128

static void read_control(struct msghdr *message, struct cs_udp_message *out) {
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
            int size;
            memcpy(&size, CMSG_DATA(c), sizeof size);
            if (size > 0) out->segment = (uint32_t)size;
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
            out->ecn = *CMSG_DATA(c) & 3;
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
            int class;
            memcpy(&class, CMSG_DATA(c), sizeof class);
            out->ecn = class & 3;
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            out->local = (struct cs_ip){.low = ntohl(info.ipi_spec_dst.s_addr), .family = AF_INET};
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = info.ipi6_addr};
            if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) address.sin6_scope_id = info.ipi6_ifindex;
            cs_ip_get((struct sockaddr_storage *)&address, &out->local);
        }
    }
}

int cs_udp_receive(int fd, void *buffer, size_t slot_bytes, int slots, struct cs_udp_message *out) {
    struct mmsghdr messages[CS_UDP_MAX_MESSAGES];
    struct iovec vectors[CS_UDP_MAX_MESSAGES];
    struct sockaddr_storage names[CS_UDP_MAX_MESSAGES];
    _Alignas(struct cmsghdr) char controls[CS_UDP_MAX_MESSAGES][CONTROL_BYTES];
    if (slots > CS_UDP_MAX_MESSAGES) slots = CS_UDP_MAX_MESSAGES;
    for (int i = 0; i < slots; i++) {
        vectors[i] = (struct iovec){.iov_base = (char *)buffer + slot_bytes * (size_t)i, .iov_len = slot_bytes};
        messages[i].msg_hdr = (struct msghdr){.msg_name = &names[i],
                                              .msg_namelen = sizeof names[i],
                                              .msg_iov = &vectors[i],
                                              .msg_iovlen = 1,
                                              .msg_control = controls[i],
                                              .msg_controllen = CONTROL_BYTES};
    }
    int count = recvmmsg(fd, messages, (unsigned)slots, MSG_DONTWAIT, NULL);
    if (count < 0) return -errno;
    for (int i = 0; i < count; i++) {
        struct msghdr *message = &messages[i].msg_hdr;
        out[i] = (struct cs_udp_message){.length = messages[i].msg_len, .segment = messages[i].msg_len};
        out[i].truncated = (message->msg_flags & MSG_TRUNC) != 0;
        if (message->msg_namelen > 0) cs_ip_get(&names[i], &out[i].remote);
        read_control(message, &out[i]);
    }
    return count;
}

int cs_udp_take_error(int fd, struct cs_udp_error *out) {
    // What was sent is quoted; only its first bytes matter to nobody here.
    char quoted[1];
    _Alignas(struct cmsghdr) char control[512];
    struct sockaddr_storage name;
    struct iovec vector = {.iov_base = quoted, .iov_len = sizeof quoted};
    struct msghdr message = {.msg_name = &name,
                             .msg_namelen = sizeof name,
                             .msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    memset(out, 0, sizeof *out);
    if (recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return -errno;
    if (message.msg_namelen > 0) cs_ip_get(&name, &out->remote);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c != NULL; c = CMSG_NXTHDR(&message, c)) {
        int is_error = (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
                       (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR);
        if (!is_error) continue;
        struct sock_extended_err error;
        memcpy(&error, CMSG_DATA(c), sizeof error);
        out->error = (int)error.ee_errno;
        if (error.ee_errno == EMSGSIZE) out->mtu = error.ee_info;
    }
    return 0;
}

// MARK: Sending

static void *append(struct msghdr *message, int level, int type, const void *value, size_t bytes) {
    struct cmsghdr *c = (struct cmsghdr *)((char *)message->msg_control + message->msg_controllen);
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(bytes);
    memcpy(CMSG_DATA(c), value, bytes);
    message->msg_controllen += CMSG_SPACE(bytes);
    return c;
}

// Fills in what all datagrams of one call share. IPv4 peers of a dual-stack socket take the options of IPv4, but
// their source address in the form of IPv6.
static void address_message(struct msghdr *message, const struct cs_udp_send *send, struct sockaddr_storage *name) {
    int to_v4 = send->remote.family != 0 ? send->remote.family == AF_INET : send->connected_v4;
    if (!send->is_connected) {
        message->msg_name = name;
        message->msg_namelen = cs_ip_put(&send->remote, send->family == AF_INET6, name);
    }
    if (send->ecn != 0) {
        int class = send->ecn;
        append(message, to_v4 ? IPPROTO_IP : IPPROTO_IPV6, to_v4 ? IP_TOS : IPV6_TCLASS, &class, sizeof class);
    }
    if (send->local.family == 0) return;
    if (send->family == AF_INET) {
        if (send->local.family != AF_INET) return;
        struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl((uint32_t)send->local.low)};
        append(message, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    } else if ((send->local.family == AF_INET) == to_v4) {
        struct sockaddr_storage storage;
        cs_ip_put(&send->local, 1, &storage);
        struct in6_pktinfo info = {.ipi6_addr = ((struct sockaddr_in6 *)&storage)->sin6_addr};
        info.ipi6_ifindex = send->local.scope;
        append(message, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    }
}

int cs_udp_send(int fd, const struct cs_udp_send *send, const void *bytes, size_t length, size_t segment) {
    struct sockaddr_storage name;
    _Alignas(struct cmsghdr) char control[CONTROL_BYTES];
    struct iovec vector = {.iov_base = (void *)bytes, .iov_len = length};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control};
    address_message(&message, send, &name);
    if (segment > 0 && segment < length) {
        uint16_t size = (uint16_t)segment;
        append(&message, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size);
    }
    if (message.msg_controllen == 0) message.msg_control = NULL;
    return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int cs_udp_send_each(int fd, const struct cs_udp_send *send, const void *bytes, size_t length, size_t segment) {
    struct sockaddr_storage name;
    _Alignas(struct cmsghdr) char control[CONTROL_BYTES];
    struct msghdr shared = {.msg_iovlen = 1, .msg_control = control};
    address_message(&shared, send, &name);
    if (shared.msg_controllen == 0) shared.msg_control = NULL;
    struct mmsghdr messages[CS_UDP_MAX_SEGMENTS];
    struct iovec vectors[CS_UDP_MAX_SEGMENTS];
    int count = 0;
    for (size_t offset = 0; offset < length && count < CS_UDP_MAX_SEGMENTS; offset += segment, count++) {
        size_t left = length - offset;
        vectors[count] =
            (struct iovec){.iov_base = (char *)bytes + offset, .iov_len = left < segment ? left : segment};
        messages[count].msg_hdr = shared;
        messages[count].msg_hdr.msg_iov = &vectors[count];
    }
    int sent = sendmmsg(fd, messages, (unsigned)count, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent < 0 ? -errno : sent;
}
