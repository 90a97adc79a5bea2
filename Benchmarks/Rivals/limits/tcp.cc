// TCP: a thread for each connection at both ends, blocking calls.

#include "limits.h"

namespace limits {
namespace {

constexpr size_t kBufferBytes = 256 << 10;

bool writeAll(int socket, const char* bytes, size_t count) {
    while (count > 0) {
        ssize_t written = write(socket, bytes, count);
        if (written <= 0) return false;
        bytes += written;
        count -= static_cast<size_t>(written);
    }
    return true;
}

void serve(int socket) {
    std::vector<char> buffer(kBufferBytes);
    uint64_t total = 0;
    char mode = 0;
    if (read(socket, &mode, 1) == 1) {
        ssize_t count;
        while ((count = read(socket, buffer.data(), buffer.size())) > 0) {
            total += static_cast<uint64_t>(count);
            if (mode == kEcho && !writeAll(socket, buffer.data(), static_cast<size_t>(count))) break;
        }
        if (mode == kCount) writeAll(socket, reinterpret_cast<char*>(&total), sizeof total);
    }
    close(socket);
}

int open(uint16_t port, char mode) {
    int socket = connected(SOCK_STREAM, port), on = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (!writeAll(socket, &mode, 1)) rival::fail("the server closed the connection");
    return socket;
}

// `depth` messages are under way at a time; as many as came back are sent again with one write.
void pingPong(rival::Measurement& measurement, uint16_t port, size_t size, size_t depth) {
    int socket = open(port, kEcho);
    std::vector<char> message(size * depth, 'x'), buffer(kBufferBytes);
    std::vector<rival::Time> sent(depth, rival::Clock::now());
    rival::Measurement::Share share;
    if (!writeAll(socket, message.data(), message.size())) return measurement.error("cannot write");
    size_t received = 0, oldest = 0;
    for (bool isOver = false; !isOver;) {
        ssize_t count = read(socket, buffer.data(), buffer.size());
        if (count <= 0) return measurement.error("the server closed the connection");
        received += static_cast<size_t>(count);
        size_t whole = received / size;
        if (whole == 0) continue;
        received -= whole * size;
        rival::Time now = rival::Clock::now();
        for (size_t i = 0; i < whole; ++i) {
            measurement.record(share, sent[oldest], now, size);
            sent[oldest] = now;
            oldest = (oldest + 1) % depth;
        }
        isOver = measurement.isOver(now);
        if (!isOver && !writeAll(socket, message.data(), whole * size)) return measurement.error("cannot write");
    }
    close(socket);
    measurement.merge(share);
}

void bulk(rival::Measurement& measurement, uint16_t port, size_t size) {
    int socket = open(port, kCount);
    std::vector<char> chunk(size, 'x');
    rival::Measurement::Share share;
    uint64_t total = 0, counted = 0;
    for (rival::Time before = rival::Clock::now(); !measurement.isOver(before);) {
        if (!writeAll(socket, chunk.data(), chunk.size())) return measurement.error("cannot write");
        total += size;
        rival::Time now = rival::Clock::now();
        measurement.record(share, before, now, size);
        before = now;
    }
    shutdown(socket, SHUT_WR);
    if (recv(socket, &counted, sizeof counted, MSG_WAITALL) != sizeof counted || counted != total) {
        measurement.error("the server counted " + std::to_string(counted) + " of " + std::to_string(total) + " bytes");
    }
    close(socket);
    measurement.merge(share);
}

// A connection, one round trip, and the end.
void handshake(rival::Measurement& measurement, uint16_t port, size_t size) {
    std::vector<char> message(size, 'x');
    rival::Measurement::Share share;
    for (rival::Time before = rival::Clock::now(); !measurement.isOver(before);) {
        int socket = open(port, kEcho);
        bool isGood = writeAll(socket, message.data(), size) &&
            recv(socket, message.data(), size, MSG_WAITALL) == static_cast<ssize_t>(size);
        // A reset instead of an orderly end, or the ports of the machine run out.
        linger none{1, 0};
        setsockopt(socket, SOL_SOCKET, SO_LINGER, &none, sizeof none);
        close(socket);
        rival::Time now = rival::Clock::now();
        if (!isGood) return measurement.error("no echo");
        measurement.record(share, before, now, size);
        before = now;
    }
    measurement.merge(share);
}

}  // namespace

int serveTCP(uint16_t port) {
    int boundPort = 0;
    int listener = bound(SOCK_STREAM, port, boundPort);
    if (listen(listener, 1024) != 0) rival::fail("cannot listen");
    listening(boundPort);
    for (;;) {
        int socket = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC), on = 1;
        if (socket < 0) continue;
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        std::thread(serve, socket).detach();
    }
}

int callTCP(const rival::Options& options, const std::string& scenario) {
    rival::Measurement measurement(options);
    uint16_t port = options.targetPort();
    size_t connections = options.count("connections", 1);
    size_t concurrency = std::max(connections, options.count("concurrency", 1));
    size_t size = options.count("size", scenario == "bulk" ? 65536 : 64);
    if (scenario != "ping-pong") connections = concurrency;
    measurement.begin();
    std::vector<std::thread> threads;
    for (size_t i = 0; i < connections; ++i) {
        size_t depth = concurrency / connections + (i < concurrency % connections ? 1 : 0);
        threads.emplace_back([&measurement, &scenario, port, size, depth] {
            if (scenario == "ping-pong") return pingPong(measurement, port, size, depth);
            scenario == "bulk" ? bulk(measurement, port, size) : handshake(measurement, port, size);
        });
    }
    measurement.watch();
    for (auto& thread : threads) thread.join();
    return measurement.report();
}

}  // namespace limits
