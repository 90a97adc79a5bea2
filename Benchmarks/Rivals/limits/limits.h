// What the parts of this program share.

#pragma once

#include "../common/measurement.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

namespace limits {

int serveTCP(uint16_t port);
int callTCP(const rival::Options& options, const std::string& scenario);
int serveUDP(uint16_t port);
int callUDP(const rival::Options& options, const std::string& scenario);

inline sockaddr_in loopback(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

// A socket on the loopback; `port` 0 takes a free one.
int bound(int type, uint16_t port, int& boundPort);
int connected(int type, uint16_t port);
void listening(int port);

// The first byte of a connection or of a datagram: come back, be counted, or tell what was counted.
constexpr char kEcho = 'E', kCount = 'C', kQuery = 'Q';

}  // namespace limits
