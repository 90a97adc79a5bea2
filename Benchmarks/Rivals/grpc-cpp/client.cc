// The client: one completion queue drained by one thread, or for unary calls the callback API.

#include "echo.h"

#include <grpc/grpc_security.h>
#include <grpcpp/generic/generic_stub.h>

namespace echo {
namespace {

using rival::Clock;
using rival::Time;

struct Setting {
    rival::Measurement& measurement;
    rival::Workers& workers;
    grpc::CompletionQueue& queue;
    size_t size, messages;
    ByteBuffer request;
};

// Something that the queue tells about.
class Event {
public:
    virtual ~Event() = default;
    virtual void proceed(bool ok) = 0;
    // What the queue gives back: this part of the object, wherever it begins.
    void* tag() { return this; }
};

class Channels {
public:
    Channels(const rival::Options& options, const std::string& wire, bool resumes)
        : target_("localhost:" + std::to_string(options.targetPort())) {
        credentials_ = grpc::InsecureChannelCredentials();
        if (wire == "grpc-tls") {
            grpc::SslCredentialsOptions tls;
            tls.pem_root_certs = options.file("ca");
            credentials_ = grpc::SslCredentials(tls);
        }
        if (resumes) sessions_ = grpc_ssl_session_cache_create_lru(16);
    }

    // A channel with a connection of its own.
    std::shared_ptr<grpc::Channel> make() const {
        grpc::ChannelArguments arguments;
        arguments.SetMaxReceiveMessageSize(-1);
        arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
        arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
        if (sessions_ != nullptr) {
            grpc_arg arg = grpc_ssl_session_cache_create_channel_arg(sessions_);
            arguments.SetPointerWithVtable(arg.key, arg.value.pointer.p, arg.value.pointer.vtable);
        }
        return grpc::CreateCustomChannel("ipv4:127.0.0.1" + target_.substr(9), credentials_, named(arguments));
    }

    std::shared_ptr<grpc::Channel> connected() const {
        auto channel = make();
        if (!channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(5))) {
            rival::fail("cannot connect to " + target_);
        }
        return channel;
    }

    bool resumes() const { return sessions_ != nullptr; }

private:
    static grpc::ChannelArguments& named(grpc::ChannelArguments& arguments) {
        arguments.SetSslTargetNameOverride("localhost");
        return arguments;
    }

    std::string target_;
    std::shared_ptr<grpc::ChannelCredentials> credentials_;
    grpc_ssl_session_cache* sessions_ = nullptr;
};

// MARK: - Unary calls, on a connection that stays or each on its own

class UnaryWorker final : public rival::Worker, public Event {
public:
    UnaryWorker(Setting& setting, std::shared_ptr<grpc::Channel> channel) : setting_(setting), stub_(channel) {}

    void begin(Time intended) override {
        intended_ = intended;
        call_ = std::make_unique<Call>();
        call_->reader = stub_.PrepareUnaryCall(&call_->context, kMethods[kUnary], setting_.request, &setting_.queue);
        call_->reader->StartCall();
        call_->reader->Finish(&call_->response, &call_->status, tag());
    }

    void proceed(bool) override {
        Time now = Clock::now();
        if (!call_->status.ok()) {
            setting_.measurement.error(call_->status.error_message());
        } else if (call_->response.Length() != setting_.size) {
            setting_.measurement.error("the response has another size");
        } else {
            setting_.measurement.record(intended_, now, setting_.size);
        }
        setting_.workers.ended(this, now);
    }

    void finish() override { setting_.workers.left(); }

private:
    struct Call {
        grpc::ClientContext context;
        std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader;
        ByteBuffer response;
        grpc::Status status;
    };

    Setting& setting_;
    grpc::GenericStub stub_;
    std::unique_ptr<Call> call_;
    Time intended_;
};

// One message to all peers at once: over when the last of them has answered.
class BroadcastWorker final : public rival::Worker {
public:
    BroadcastWorker(Setting& setting, const std::vector<std::shared_ptr<grpc::Channel>>& channels) : setting_(setting) {
        for (auto& channel : channels) peers_.push_back(std::make_unique<Peer>(*this, channel));
    }

    void begin(Time intended) override {
        intended_ = intended;
        // Answers come on the queue's thread while the last calls still begin.
        missing_ = peers_.size();
        for (auto& peer : peers_) peer->call();
    }

    void finish() override { setting_.workers.left(); }

private:
    class Peer final : public Event {
    public:
        Peer(BroadcastWorker& owner, std::shared_ptr<grpc::Channel> channel) : owner_(owner), stub_(channel) {}

        void call() {
            auto& setting = owner_.setting_;
            call_ = std::make_unique<Call>();
            call_->reader =
                stub_.PrepareUnaryCall(&call_->context, kMethods[kUnary], setting.request, &setting.queue);
            call_->reader->StartCall();
            call_->reader->Finish(&call_->response, &call_->status, tag());
        }

        void proceed(bool) override {
            bool isGood = call_->status.ok() && call_->response.Length() == owner_.setting_.size;
            if (!isGood) owner_.setting_.measurement.error("a peer did not answer: " + call_->status.error_message());
            owner_.answered();
        }

    private:
        struct Call {
            grpc::ClientContext context;
            std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader;
            ByteBuffer response;
            grpc::Status status;
        };

        BroadcastWorker& owner_;
        grpc::GenericStub stub_;
        std::unique_ptr<Call> call_;
    };

    void answered() {
        if (--missing_ > 0) return;
        Time now = Clock::now();
        setting_.measurement.record(intended_, now, setting_.size * peers_.size());
        setting_.workers.ended(this, now);
    }

    Setting& setting_;
    std::vector<std::unique_ptr<Peer>> peers_;
    std::atomic<size_t> missing_{0};
    Time intended_;
};

class HandshakeWorker final : public rival::Worker, public Event {
public:
    HandshakeWorker(Setting& setting, const Channels& channels) : setting_(setting), channels_(channels) {}

    void begin(Time intended) override {
        intended_ = intended;
        call_ = std::make_unique<Call>(channels_.make());
        call_->context.set_wait_for_ready(true);
        call_->context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
        call_->reader =
            call_->stub.PrepareUnaryCall(&call_->context, kMethods[kUnary], setting_.request, &setting_.queue);
        call_->reader->StartCall();
        call_->reader->Finish(&call_->response, &call_->status, tag());
    }

    void proceed(bool) override {
        Time now = Clock::now();
        if (!call_->status.ok()) {
            setting_.measurement.error(call_->status.error_message());
        } else if (channels_.resumes() && count_ > 0 && !isResumed()) {
            setting_.measurement.error("the session was not resumed");
        } else {
            setting_.measurement.record(intended_, now, setting_.size);
        }
        count_ += 1;
        call_.reset();
        setting_.workers.ended(this, now);
    }

    void finish() override { setting_.workers.left(); }

private:
    struct Call {
        explicit Call(std::shared_ptr<grpc::Channel> channel) : stub(channel) {}
        grpc::GenericStub stub;
        grpc::ClientContext context;
        std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader;
        ByteBuffer response;
        grpc::Status status;
    };

    bool isResumed() const {
        for (auto& value : call_->context.auth_context()->FindPropertyValues(GRPC_SSL_SESSION_REUSED_PROPERTY)) {
            if (value == "true") return true;
        }
        return false;
    }

    Setting& setting_;
    const Channels& channels_;
    std::unique_ptr<Call> call_;
    Time intended_;
    size_t count_ = 0;
};

class CallbackWorker final : public rival::Worker {
public:
    CallbackWorker(Setting& setting, std::shared_ptr<grpc::Channel> channel) : setting_(setting), stub_(channel) {}

    void begin(Time intended) override {
        auto* call = new Call(this, intended);
        stub_.PrepareUnaryCall(
            &call->context, kMethods[kUnary], grpc::StubOptions(), &setting_.request, &call->response, call);
        call->StartCall();
    }

    void finish() override { setting_.workers.left(); }

private:
    struct Call final : grpc::ClientUnaryReactor {
        Call(CallbackWorker* worker, Time intended) : worker(worker), intended(intended) {}

        void OnDone(const grpc::Status& status) override {
            Time now = Clock::now();
            auto& setting = worker->setting_;
            if (!status.ok() || response.Length() != setting.size) {
                setting.measurement.error(status.ok() ? "the response has another size" : status.error_message());
            } else {
                setting.measurement.record(intended, now, setting.size);
            }
            auto* next = worker;
            delete this;
            setting.workers.ended(next, now);
        }

        CallbackWorker* worker;
        Time intended;
        grpc::ClientContext context;
        ByteBuffer response;
    };

    Setting& setting_;
    grpc::GenericStub stub_;
};

// MARK: - Streams

// A stream for each call, or one for all: `ping-pong` and `bulk`.
class StreamWorker final : public rival::Worker, public Event {
public:
    enum Kind { clientStream, serverStream, pingPong, bulk };

    StreamWorker(Setting& setting, std::shared_ptr<grpc::Channel> channel, Kind kind)
        : setting_(setting), stub_(channel), kind_(kind) {}

    void begin(Time intended) override {
        intended_ = intended;
        if (call_) return write();
        static constexpr Method kMethodOfKind[] = {kClientStream, kServerStream, kBidi, kClientStream};
        call_ = std::make_unique<Call>();
        call_->context.set_initial_metadata_corked(true);
        call_->stream = stub_.PrepareCall(&call_->context, kMethods[kMethodOfKind[kind_]], &setting_.queue);
        // The head goes out with the first message, and the queue is not told.
        call_->stream->StartCall(nullptr);
        write();
    }

    // The stream that all calls shared ends.
    void finish() override {
        if (!call_ || isFinishing_) return setting_.workers.left();
        isFinishing_ = true;
        step_ = Step::closing;
        call_->stream->WritesDone(tag());
    }

    void proceed(bool ok) override {
        switch (step_) {
            case Step::writing: return ok ? written() : end();
            case Step::closing: return read();
            case Step::reading: return received(ok);
            case Step::ending: return ended();
        }
    }

private:
    enum class Step { writing, closing, reading, ending };

    struct Call {
        grpc::ClientContext context;
        std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream;
        ByteBuffer response;
        grpc::Status status;
        size_t messages = 0, bytesBack = 0;
    };

    bool isLasting() const { return kind_ == pingPong || kind_ == bulk; }

    void write() {
        step_ = Step::writing;
        if (kind_ == serverStream) {
            auto request = bigEndian(setting_.messages, 4) + std::string(setting_.size, 'x');
            return call_->stream->WriteLast(buffer(request), {}, tag());
        }
        call_->messages += 1;
        if (kind_ == clientStream) {
            if (call_->messages == setting_.messages) return call_->stream->WriteLast(setting_.request, {}, tag());
            // Small messages are gathered into one write.
            grpc::WriteOptions options;
            if (setting_.size < 16384) options.set_buffer_hint();
            return call_->stream->Write(setting_.request, options, tag());
        }
        call_->stream->Write(setting_.request, tag());
    }

    void written() {
        if (kind_ == clientStream && call_->messages < setting_.messages) return write();
        if (kind_ != bulk) return read();
        Time now = Clock::now();
        setting_.measurement.record(intended_, now, setting_.size);
        setting_.workers.ended(this, now);
    }

    void read() {
        step_ = Step::reading;
        call_->response.Clear();
        call_->stream->Read(&call_->response, tag());
    }

    void received(bool ok) {
        if (!ok) return end();
        if (kind_ == pingPong) {
            Time now = Clock::now();
            if (call_->response.Length() != setting_.size) setting_.measurement.error("the echo has another size");
            setting_.measurement.record(intended_, now, setting_.size);
            return setting_.workers.ended(this, now);
        }
        if (kind_ == serverStream) {
            call_->bytesBack += call_->response.Length();
        } else {
            call_->bytesBack = number(flattened(call_->response), 0, 8);
        }
        read();
    }

    void end() {
        step_ = Step::ending;
        call_->stream->Finish(&call_->status, tag());
    }

    void ended() {
        Time now = Clock::now();
        size_t expected = (kind_ == serverStream ? setting_.messages : call_->messages) * setting_.size;
        if (!call_->status.ok()) {
            setting_.measurement.error(call_->status.error_message());
        } else if (kind_ != pingPong && call_->bytesBack != expected) {
            setting_.measurement.error("the stream carried another number of bytes");
        } else if (!isLasting()) {
            setting_.measurement.record(intended_, now, expected);
        } else if (!isFinishing_) {
            setting_.measurement.error("the server ended the stream");
        }
        call_.reset();
        if (isLasting()) return setting_.workers.left();
        setting_.workers.ended(this, now);
    }

    Setting& setting_;
    grpc::GenericStub stub_;
    Kind kind_;
    std::unique_ptr<Call> call_;
    Time intended_;
    Step step_ = Step::writing;
    bool isFinishing_ = false;
};

}  // namespace

int call(const rival::Options& options, const std::string& wire, const std::string& scenario) {
    bool callbacks = options.text("api") == "callback";
    if (callbacks && scenario != "unary") rival::unsupported("--api callback of a client with --scenario " + scenario);
    rival::Measurement measurement(options);
    rival::Workers workers(measurement, options);
    grpc::CompletionQueue queue;
    size_t size = static_cast<size_t>(options.number("size", scenario == "bulk" ? 65536 : 64));
    Setting setting{measurement, workers, queue, size, options.count("messages", 100), buffer(std::string(size, 'x'))};

    Channels channels(options, wire, scenario == "resume");
    std::vector<std::shared_ptr<grpc::Channel>> connections;
    bool connectsEachTime = scenario == "handshake" || scenario == "resume";
    for (size_t i = 0; i < options.count("connections", 1) && !connectsEachTime; ++i) {
        connections.push_back(channels.connected());
    }
    const std::map<std::string, StreamWorker::Kind> kinds = {
        {"client-stream", StreamWorker::clientStream},
        {"server-stream", StreamWorker::serverStream},
        {"ping-pong", StreamWorker::pingPong},
        {"bulk", StreamWorker::bulk}};
    std::vector<std::unique_ptr<rival::Worker>> owned;
    bool isBroadcast = scenario == "broadcast";
    size_t concurrency = std::max(options.count("concurrency", 1), isBroadcast ? 1 : connections.size());
    for (size_t i = 0; i < concurrency; ++i) {
        if (connectsEachTime) {
            owned.push_back(std::make_unique<HandshakeWorker>(setting, channels));
            continue;
        }
        if (isBroadcast) {
            owned.push_back(std::make_unique<BroadcastWorker>(setting, connections));
            continue;
        }
        auto& channel = connections[i % connections.size()];
        if (auto kind = kinds.find(scenario); kind != kinds.end()) {
            owned.push_back(std::make_unique<StreamWorker>(setting, channel, kind->second));
        } else if (callbacks) {
            owned.push_back(std::make_unique<CallbackWorker>(setting, channel));
        } else {
            owned.push_back(std::make_unique<UnaryWorker>(setting, channel));
        }
    }
    std::thread([&queue] {
        void* tag = nullptr;
        bool ok = false;
        while (queue.Next(&tag, &ok)) static_cast<Event*>(tag)->proceed(ok);
    }).detach();
    std::vector<rival::Worker*> all;
    for (auto& worker : owned) all.push_back(worker.get());
    workers.start(all);
    workers.wait();
    int status = measurement.report(workers.more());
    // Connections and the thread of the queue are left to the end of the process.
    std::fflush(stdout);
    std::_Exit(status);
}

}  // namespace echo
