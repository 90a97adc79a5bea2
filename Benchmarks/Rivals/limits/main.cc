// What the kernel alone allows, over TCP and UDP on the loopback: no rival, but the floor under all of them. The command
// line stands in ../../README.md; latencies of one call at a time are a `ping-pong`.

#include "limits.h"

#include <pthread.h>

#include <csignal>

namespace limits {

int bound(int type, uint16_t port, int& boundPort) {
    int socket = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(port);
    socklen_t length = sizeof address;
    if (socket < 0 || bind(socket, reinterpret_cast<sockaddr*>(&address), length) != 0) {
        rival::fail("cannot bind port " + std::to_string(port));
    }
    getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length);
    boundPort = ntohs(address.sin_port);
    return socket;
}

int connected(int type, uint16_t port) {
    int socket = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(port);
    if (socket < 0 || connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        rival::fail("cannot connect to port " + std::to_string(port));
    }
    return socket;
}

void listening(int port) {
    std::printf("LISTENING %d\n", port);
    std::fflush(stdout);
}

}  // namespace limits

int main(int count, char** words) {
    const rival::Pairs pairs = {"tcp:ping-pong", "tcp:bulk", "tcp:handshake", "udp:ping-pong", "udp:bulk"};
    std::signal(SIGPIPE, SIG_IGN);
    std::string verb = count > 1 ? words[1] : "";
    rival::Options options(count, words);
    std::string wire = options.text("wire", "tcp");
    if (verb == "scenarios") return rival::printPairs(pairs);
    if (verb == "version") return std::printf("sockets of the kernel\n") < 0;
    if (verb == "serve") {
        rival::requireWire(pairs, wire);
        auto port = static_cast<uint16_t>(options.number("port", 0));
        return wire == "tcp" ? limits::serveTCP(port) : limits::serveUDP(port);
    }
    if (verb == "call") {
        std::string scenario = options.text("scenario", "ping-pong");
        rival::requirePair(pairs, wire, scenario);
        if (options.number("rate", 0) > 0) rival::unsupported("--rate");
        return wire == "tcp" ? limits::callTCP(options, scenario) : limits::callUDP(options, scenario);
    }
    std::cerr << "usage: limits serve|call|scenarios|version; Benchmarks/README.md has the options\n";
    return 2;
}
