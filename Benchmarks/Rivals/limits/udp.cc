// UDP: round trips in batches of as many datagrams as are under way, and a blast with segmentation offload at the
// sender and coalescing at the receiver. Nothing is encrypted, and nothing is sent again.

#include "limits.h"

#include <array>
#include <cstring>

#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

namespace limits {
namespace {

constexpr size_t kBatch = 64;
constexpr size_t kDatagramBytes = 65536;

// Room for a batch of datagrams to come, or to go.
struct Batch {
    std::vector<char> bytes = std::vector<char>(kBatch * kDatagramBytes);
    std::array<mmsghdr, kBatch> headers{};
    std::array<iovec, kBatch> vectors{};
    std::array<sockaddr_in, kBatch> addresses{};

    char* at(size_t i) { return bytes.data() + i * kDatagramBytes; }

    void prepare(bool namesPeers) {
        for (size_t i = 0; i < kBatch; ++i) {
            vectors[i] = {at(i), kDatagramBytes};
            headers[i] = {};
            headers[i].msg_hdr.msg_iov = &vectors[i];
            headers[i].msg_hdr.msg_iovlen = 1;
            if (!namesPeers) continue;
            headers[i].msg_hdr.msg_name = &addresses[i];
            headers[i].msg_hdr.msg_namelen = sizeof addresses[i];
        }
    }
};

void bigBuffers(int socket) {
    int bytes = 8 << 20;
    for (int option : {SO_RCVBUFFORCE, SO_SNDBUFFORCE, SO_RCVBUF, SO_SNDBUF}) {
        setsockopt(socket, SOL_SOCKET, option, &bytes, sizeof bytes);
    }
}

void pingPong(rival::Measurement& measurement, uint16_t port, size_t size, size_t depth, uint64_t& lost) {
    int socket = connected(SOCK_DGRAM, port);
    bigBuffers(socket);
    timeval patience{0, 200'000};
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    Batch batch;
    depth = std::min(depth, kBatch);
    rival::Measurement::Share share;
    std::vector<rival::Time> sent(depth);
    batch.prepare(false);
    // Bytes 1 to 8 say which of those under way it is.
    auto send = [&](size_t slot) {
        auto number = static_cast<uint64_t>(slot);
        std::memset(batch.at(slot), 'x', size);
        batch.at(slot)[0] = kEcho;
        std::memcpy(batch.at(slot) + 1, &number, sizeof number);
    };
    std::vector<size_t> toSend(depth);
    for (size_t i = 0; i < depth; ++i) toSend[i] = i;
    for (bool isOver = false; !isOver;) {
        rival::Time now = rival::Clock::now();
        for (size_t i = 0; i < toSend.size(); ++i) {
            send(toSend[i]);
            sent[toSend[i]] = now;
            batch.vectors[i] = {batch.at(toSend[i]), size};
        }
        if (!toSend.empty()) sendmmsg(socket, batch.headers.data(), static_cast<unsigned>(toSend.size()), 0);
        toSend.clear();
        batch.prepare(false);
        int count = recvmmsg(socket, batch.headers.data(), kBatch, MSG_WAITFORONE, nullptr);
        now = rival::Clock::now();
        isOver = measurement.isOver(now);
        if (count <= 0) {
            // What did not come in all this time is lost.
            lost += depth;
            for (size_t i = 0; i < depth; ++i) toSend.push_back(i);
        }
        for (int i = 0; i < count; ++i) {
            uint64_t slot = 0;
            std::memcpy(&slot, batch.at(static_cast<size_t>(i)) + 1, sizeof slot);
            if (slot >= depth || batch.headers[static_cast<size_t>(i)].msg_len != size) continue;
            measurement.record(share, sent[slot], now, size);
            toSend.push_back(slot);
        }
    }
    close(socket);
    measurement.merge(share);
}

uint64_t receivedByServer(int socket) {
    uint64_t total = 0;
    for (int attempt = 0; attempt < 50; ++attempt) {
        if (send(socket, &kQuery, 1, 0) == 1 && recv(socket, &total, sizeof total, 0) == sizeof total) return total;
    }
    rival::fail("the server does not tell what it received");
}

// As fast as the sender can. What counts is what the server got.
int blast(rival::Measurement& measurement, uint16_t port, size_t size) {
    int socket = connected(SOCK_DGRAM, port), asking = connected(SOCK_DGRAM, port);
    bigBuffers(socket);
    timeval patience{0, 200'000};
    setsockopt(asking, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    auto segment = static_cast<uint16_t>(size);
    setsockopt(socket, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment);
    std::vector<char> burst(std::min<size_t>(64, 65000 / size) * size, kCount);
    uint64_t sent = 0;
    uint64_t before = receivedByServer(asking);
    measurement.begin();
    std::thread watcher([&measurement] { measurement.watch(); });
    for (rival::Time last = rival::Clock::now(); !measurement.isOver(last);) {
        if (send(socket, burst.data(), burst.size(), 0) > 0) sent += burst.size();
        rival::Time now = rival::Clock::now();
        measurement.record(last, now, burst.size());
        last = now;
    }
    double seconds = std::chrono::duration<double>(rival::Clock::now() - measurement.start()).count();
    watcher.join();
    double received = static_cast<double>(receivedByServer(asking) - before);
    char more[128];
    std::snprintf(
        more, sizeof more, " received_mb_per_second=%.2f lost_share=%.4f", received / 1e6 / seconds,
        1 - received / static_cast<double>(std::max<uint64_t>(1, sent)));
    return measurement.report(more);
}

}  // namespace

int serveUDP(uint16_t port) {
    int boundPort = 0, on = 1;
    int socket = bound(SOCK_DGRAM, port, boundPort);
    bigBuffers(socket);
    // Only a blast is worth it: what has been coalesced cannot be told apart for an answer without its segment size.
    setsockopt(socket, IPPROTO_UDP, UDP_GRO, &on, sizeof on);
    listening(boundPort);
    Batch batch;
    uint64_t total = 0;
    std::vector<std::array<char, 64>> controls(kBatch);
    for (;;) {
        batch.prepare(true);
        for (size_t i = 0; i < kBatch; ++i) {
            batch.headers[i].msg_hdr.msg_control = controls[i].data();
            batch.headers[i].msg_hdr.msg_controllen = controls[i].size();
        }
        int count = recvmmsg(socket, batch.headers.data(), kBatch, MSG_WAITFORONE, nullptr);
        for (int i = 0; i < count; ++i) {
            auto& message = batch.headers[static_cast<size_t>(i)];
            char* bytes = batch.at(static_cast<size_t>(i));
            if (bytes[0] == kCount) {
                total += message.msg_len;
                continue;
            }
            auto* peer = static_cast<sockaddr*>(message.msg_hdr.msg_name);
            if (bytes[0] == kQuery) {
                sendto(socket, &total, sizeof total, 0, peer, message.msg_hdr.msg_namelen);
                continue;
            }
            // Coalesced datagrams go back as they came, segmented by the kernel again.
            int segment = 0;
            for (auto* c = CMSG_FIRSTHDR(&message.msg_hdr); c != nullptr; c = CMSG_NXTHDR(&message.msg_hdr, c)) {
                if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) std::memcpy(&segment, CMSG_DATA(c), 4);
            }
            batch.vectors[static_cast<size_t>(i)].iov_len = message.msg_len;
            message.msg_hdr.msg_controllen = 0;
            message.msg_hdr.msg_control = nullptr;
            if (segment > 0 && static_cast<unsigned>(segment) < message.msg_len) {
                auto* c = reinterpret_cast<cmsghdr*>(controls[static_cast<size_t>(i)].data());
                auto bytesOfSegment = static_cast<uint16_t>(segment);
                c->cmsg_level = IPPROTO_UDP;
                c->cmsg_type = UDP_SEGMENT;
                c->cmsg_len = CMSG_LEN(sizeof bytesOfSegment);
                std::memcpy(CMSG_DATA(c), &bytesOfSegment, sizeof bytesOfSegment);
                message.msg_hdr.msg_control = c;
                message.msg_hdr.msg_controllen = CMSG_SPACE(sizeof bytesOfSegment);
            }
            sendmsg(socket, &message.msg_hdr, 0);
        }
    }
}

int callUDP(const rival::Options& options, const std::string& scenario) {
    rival::Measurement measurement(options);
    uint16_t port = options.targetPort();
    size_t size = options.count("size", scenario == "bulk" ? 1200 : 64);
    if (size < 9 || size > 65000) rival::fail("--size must be within 9...65000");
    if (scenario == "bulk") return blast(measurement, port, size);
    size_t connections = options.count("connections", 1);
    size_t concurrency = std::max(connections, options.count("concurrency", 1));
    measurement.begin();
    std::vector<std::thread> threads;
    std::vector<uint64_t> lost(connections);
    for (size_t i = 0; i < connections; ++i) {
        size_t depth = concurrency / connections + (i < concurrency % connections ? 1 : 0);
        threads.emplace_back(
            [&measurement, &lost, port, size, depth, i] { pingPong(measurement, port, size, depth, lost[i]); });
    }
    measurement.watch();
    for (auto& thread : threads) thread.join();
    uint64_t all = 0;
    for (auto one : lost) all += one;
    return measurement.report(" lost=" + std::to_string(all));
}

}  // namespace limits
