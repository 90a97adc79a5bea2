// echo.Echo on gRPC C++. The command line stands in ../../README.md; this program knows besides
//
//   --api queue|callback   completion queues, each drained by one thread, or the callback API
//   --threads N            completion queues of a server
//   --messages N           messages of one client or server stream
//
// It is as fast as this gRPC can be made without generated code: raw byte buffers, which share the memory of what was
// read, and by default completion queues, because the callback API hands every call to another thread.

#include "echo.h"

#include <grpcpp/support/byte_buffer.h>

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>

namespace echo {

std::shared_ptr<grpc::ServerCredentials> serverCredentials(const rival::Options& options, const std::string& wire) {
    if (wire == "grpc") return grpc::InsecureServerCredentials();
    grpc::SslServerCredentialsOptions tls(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
    tls.pem_key_cert_pairs.push_back({options.file("key"), options.file("cert")});
    return grpc::SslServerCredentials(tls);
}

// The client of a benchmark runs on the same machine: half of the cores are its own.
size_t serverThreads(const rival::Options& options) {
    return options.count("threads", std::max(1u, std::thread::hardware_concurrency() / 2));
}

sigset_t terminating() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    return signals;
}

void blockTermination() {
    sigset_t signals = terminating();
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

void waitForTermination(int port) {
    std::printf("LISTENING %d\n", port);
    std::fflush(stdout);
    sigset_t signals = terminating();
    pollfd watched = {signalfd(-1, &signals, SFD_CLOEXEC), POLLIN, 0};
    while (poll(&watched, 1, -1) < 0 && errno == EINTR) {}
    // Threads and calls under way are left to the end of the process.
    std::_Exit(0);
}

std::string flattened(const ByteBuffer& buffer) {
    std::vector<grpc::Slice> slices;
    std::string bytes;
    if (!buffer.Valid() || !buffer.Dump(&slices).ok()) return bytes;
    for (auto& slice : slices) bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
    return bytes;
}

ByteBuffer buffer(const std::string& bytes) {
    grpc::Slice slice(bytes);
    return ByteBuffer(&slice, 1);
}

std::string bigEndian(uint64_t value, int bytes) {
    std::string text;
    for (int i = bytes - 1; i >= 0; --i) text.push_back(static_cast<char>(value >> (8 * i)));
    return text;
}

uint64_t number(const std::string& bytes, size_t from, size_t count) {
    uint64_t value = 0;
    for (size_t i = from; i < from + count && i < bytes.size(); ++i) value = value << 8 | static_cast<uint8_t>(bytes[i]);
    return value;
}

}  // namespace echo

int main(int count, char** words) {
    rival::Pairs pairs;
    for (auto wire : {"grpc:", "grpc-tls:"}) {
        for (auto scenario :
             {"unary", "client-stream", "server-stream", "ping-pong", "handshake", "bulk", "broadcast"}) {
            pairs.push_back(std::string(wire) + scenario);
        }
    }
    pairs.push_back("grpc-tls:resume");
    std::string verb = count > 1 ? words[1] : "";
    rival::Options options(count, words);
    std::string wire = options.text("wire", "grpc");
    if (verb == "scenarios") return rival::printPairs(pairs);
    if (verb == "version") return std::printf("gRPC C++ %s\n", grpc::Version().c_str()) < 0;
    if (verb == "serve") {
        rival::requireWire(pairs, wire);
        bool callbacks = options.text("api") == "callback";
        return callbacks ? echo::serveWithCallbacks(options, wire) : echo::serveWithQueues(options, wire);
    }
    if (verb == "call") {
        std::string scenario = options.text("scenario", "unary");
        rival::requirePair(pairs, wire, scenario);
        return echo::call(options, wire, scenario);
    }
    std::cerr << "usage: grpc-cpp serve|call|scenarios|version; Benchmarks/README.md has the options\n";
    return 2;
}
