// echo.Echo/Unary on gRPC C++: a peer for the tests and the rival in the benchmark.
// What it serves and prints stands in Tests/Interop/README.md.
//
// It is as fast as this gRPC can be made without generated code: raw byte buffers, which share the
// memory of what was read, and completion queues, each drained by one thread. The callback API hands every
// call to another thread and was slower at every concurrency; larger frames and windows brought nothing.

#include "../common/measurement.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/service_type.h>

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

using grpc::ByteBuffer;
using rival::Clock;
using rival::fail;
using rival::Options;
using rival::processorMicroseconds;

constexpr char kMethod[] = "/echo.Echo/Unary";

// MARK: - Server

class EchoService final : public grpc::Service {
public:
    EchoService() {
        AddMethod(new grpc::internal::RpcServiceMethod(kMethod, grpc::internal::RpcMethod::NORMAL_RPC, nullptr));
        MarkMethodRaw(0);
    }

    using Responder = grpc::ServerAsyncResponseWriter<ByteBuffer>;

    // Asks for the next call; `tag` comes out of the queue when there is one.
    void accept(
        grpc::ServerContext& context, ByteBuffer& request, Responder& responder, grpc::ServerCompletionQueue& queue,
        void* tag) {
        RequestAsyncUnary(0, &context, &request, &responder, &queue, &queue, tag);
    }
};

// A place for one call at a time: waits for a call, answers it, waits for the next.
class ServerCall {
public:
    ServerCall(EchoService& service, grpc::ServerCompletionQueue& queue) : service_(service), queue_(queue) { accept(); }

    // What was asked of the queue has come: a call, or the end of one. `ok` is false for a call that was given up.
    void proceed(bool ok) {
        if (answered_ || !ok) {
            accept();
            return;
        }
        answered_ = true;
        if (state_->request.Valid()) {
            state_->responder.Finish(state_->request, grpc::Status::OK, this);
        } else {
            state_->responder.FinishWithError({grpc::StatusCode::INTERNAL, "the request has no message"}, this);
        }
    }

private:
    struct State {
        grpc::ServerContext context;
        ByteBuffer request;
        EchoService::Responder responder{&context};
    };

    void accept() {
        answered_ = false;
        state_ = std::make_unique<State>();
        service_.accept(state_->context, state_->request, state_->responder, queue_, this);
    }

    EchoService& service_;
    grpc::ServerCompletionQueue& queue_;
    std::unique_ptr<State> state_;
    bool answered_ = false;
};

std::shared_ptr<grpc::ServerCredentials> serverCredentials(const Options& options) {
    if (options.text("tls-cert").empty()) return grpc::InsecureServerCredentials();
    grpc::SslServerCredentialsOptions tls(
        options.text("tls-ca").empty() ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                                       : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    tls.pem_root_certs = options.file("tls-ca");
    tls.pem_key_cert_pairs.push_back({options.file("tls-key"), options.file("tls-cert")});
    return grpc::SslServerCredentials(tls);
}

// Returns when standard input closes or on SIGTERM, which must be blocked in every thread.
void waitUntilToldToStop(const sigset_t& signals) {
    pollfd watched[2] = {{STDIN_FILENO, POLLIN, 0}, {signalfd(-1, &signals, SFD_CLOEXEC), POLLIN, 0}};
    while (poll(watched, 2, -1) >= 0 || errno == EINTR) {
        if (watched[1].revents != 0) return;
        char ignored[4096];
        if (watched[0].revents != 0 && read(STDIN_FILENO, ignored, sizeof ignored) <= 0) return;
    }
}

int serve(const Options& options) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);

    EchoService service;
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort(
        "127.0.0.1:" + std::to_string(static_cast<int>(options.number("port", 0))), serverCredentials(options), &port);
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.RegisterService(&service);
    // The client of a benchmark runs on the same machine: half of the cores are its own.
    double threads = std::max(1u, std::thread::hardware_concurrency() / 2);
    std::vector<std::unique_ptr<grpc::ServerCompletionQueue>> queues;
    for (int i = 0; i < options.number("threads", threads); ++i) queues.push_back(builder.AddCompletionQueue());
    std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
    if (!server || port == 0) fail("cannot listen on port " + options.text("port", "0"));

    constexpr int kCallsAtOnce = 256;
    std::vector<std::unique_ptr<ServerCall>> calls;
    for (auto& queue : queues) {
        for (int i = 0; i < kCallsAtOnce; ++i) calls.push_back(std::make_unique<ServerCall>(service, *queue));
    }
    for (auto& queue : queues) {
        std::thread([&queue] {
            void* tag = nullptr;
            bool ok = false;
            while (queue->Next(&tag, &ok)) static_cast<ServerCall*>(tag)->proceed(ok);
        }).detach();
    }

    std::printf("LISTENING %d\n", port);
    std::fflush(stdout);
    waitUntilToldToStop(signals);
    // The threads and the calls under way are left to the end of the process.
    std::_Exit(0);
}

// MARK: - Client

std::shared_ptr<grpc::ChannelCredentials> channelCredentials(const Options& options) {
    if (options.text("tls-ca").empty()) return grpc::InsecureChannelCredentials();
    grpc::SslCredentialsOptions tls;
    tls.pem_root_certs = options.file("tls-ca");
    tls.pem_private_key = options.file("tls-key");
    tls.pem_cert_chain = options.file("tls-cert");
    return grpc::SslCredentials(tls);
}

// One call after the other; C of these make a concurrency of C.
class Caller {
public:
    Caller(grpc::GenericStub& stub, grpc::CompletionQueue& queue, const ByteBuffer& request)
        : stub_(stub), queue_(queue), request_(request) {}

    void start() {
        call_ = std::make_unique<Call>();
        began_ = Clock::now();
        call_->reader = stub_.PrepareUnaryCall(&call_->context, kMethod, request_, &queue_);
        call_->reader->StartCall();
        call_->reader->Finish(&call_->response, &call_->status, this);
    }

    bool succeeded() const { return call_->status.ok() && call_->response.Length() == request_.Length(); }
    std::string error() const { return call_->status.ok() ? "the response has another size" : call_->status.error_message(); }
    Clock::time_point began() const { return began_; }

private:
    struct Call {
        grpc::ClientContext context;
        std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader;
        ByteBuffer response;
        grpc::Status status;
    };

    grpc::GenericStub& stub_;
    grpc::CompletionQueue& queue_;
    const ByteBuffer& request_;
    std::unique_ptr<Call> call_;
    Clock::time_point began_;
};

int call(const Options& options) {
    std::string target = options.text("to");
    if (target.empty()) fail("--to HOST:PORT is needed");
    auto concurrency = static_cast<size_t>(std::max(1.0, options.number("concurrency", 1)));
    auto duration = std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double>(options.number("seconds", 3)));

    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);
    if (!options.text("tls-name").empty()) arguments.SetSslTargetNameOverride(options.text("tls-name"));
    auto channel = grpc::CreateCustomChannel(target, channelCredentials(options), arguments);
    if (!channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(5))) {
        fail("cannot connect to " + target);
    }

    grpc::GenericStub stub(channel);
    grpc::CompletionQueue queue;
    grpc::Slice slice(std::string(static_cast<size_t>(options.number("size", 64)), 'x'));
    ByteBuffer request(&slice, 1);
    std::deque<Caller> callers;
    for (size_t i = 0; i < concurrency; ++i) callers.emplace_back(stub, queue, request).start();

    auto warm = Clock::now() + std::chrono::milliseconds(500);
    Clock::time_point began, end;
    double processor = 0;
    std::vector<float> latencies_us;
    latencies_us.reserve(1 << 20);
    size_t failed = 0;
    bool measuring = false;
    void* tag = nullptr;
    bool ok = false;
    for (size_t running = concurrency; running > 0 && queue.Next(&tag, &ok);) {
        auto now = Clock::now();
        auto* caller = static_cast<Caller*>(tag);
        if (!caller->succeeded() && ++failed == 1) std::cerr << "error: " << caller->error() << std::endl;
        if (!measuring && end == Clock::time_point() && now >= warm) {
            measuring = true;
            began = now;
            processor = -processorMicroseconds();
        } else if (measuring) {
            latencies_us.push_back(std::chrono::duration<float, std::micro>(now - caller->began()).count());
            if (now - began >= duration) {
                measuring = false;
                end = now;
                processor += processorMicroseconds();
            }
        }
        if (end == Clock::time_point() && failed < 1000) {
            caller->start();
        } else {
            running -= 1;
        }
    }

    std::sort(latencies_us.begin(), latencies_us.end());
    auto percentile = [&](double share) {
        return latencies_us.empty() ? 0.0 : latencies_us[static_cast<size_t>(share * (latencies_us.size() - 1))];
    };
    double calls = std::max<double>(1, latencies_us.size());
    double seconds = std::max(1e-9, std::chrono::duration<double>(end - began).count());
    std::printf(
        "calls_per_second=%.0f p50_us=%.2f p99_us=%.2f cpu_us_per_call=%.2f calls=%zu errors=%zu\n",
        latencies_us.size() / seconds, percentile(0.5), percentile(0.99), processor / calls, latencies_us.size(), failed);
    return failed == 0 && !latencies_us.empty() ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
    std::string verb = count > 1 ? words[1] : "";
    Options options(count, words);
    if (verb == "serve") return serve(options);
    if (verb == "call") return call(options);
    std::cerr << "usage: grpc-cpp-peer serve [--port N] [--threads N] [--tls-cert FILE --tls-key FILE [--tls-ca FILE]]\n"
                 "       grpc-cpp-peer call --to HOST:PORT [--concurrency C] [--size BYTES] [--seconds S]\n"
                 "                          [--tls-ca FILE] [--tls-cert FILE --tls-key FILE] [--tls-name NAME]\n";
    return 2;
}
