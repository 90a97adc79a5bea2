// The server with completion queues.

#include "echo.h"

#include <grpcpp/impl/service_type.h>
#include <grpcpp/support/async_stream.h>
#include <grpcpp/support/async_unary_call.h>

namespace echo {
namespace {

class EchoService final : public grpc::Service {
public:
    EchoService() {
        using grpc::internal::RpcMethod;
        for (int i = 0; i < 4; ++i) {
            auto type = i == kUnary ? RpcMethod::NORMAL_RPC : RpcMethod::BIDI_STREAMING;
            AddMethod(new grpc::internal::RpcServiceMethod(kMethods[i], type, nullptr));
            MarkMethodRaw(i);
        }
    }

    using Responder = grpc::ServerAsyncResponseWriter<ByteBuffer>;
    using Stream = grpc::ServerAsyncReaderWriter<ByteBuffer, ByteBuffer>;

    // Ask for the next call; `tag` comes out of the queue when there is one.
    void accept(
        grpc::ServerContext& context, ByteBuffer& request, Responder& responder, grpc::ServerCompletionQueue& queue,
        void* tag) {
        RequestAsyncUnary(kUnary, &context, &request, &responder, &queue, &queue, tag);
    }

    void accept(
        Method method, grpc::ServerContext& context, Stream& stream, grpc::ServerCompletionQueue& queue, void* tag) {
        RequestAsyncBidiStreaming(method, &context, &stream, &queue, &queue, tag);
    }
};

// A place for one call at a time: waits for a call, answers it, waits for the next.
class Place {
public:
    virtual ~Place() = default;
    // What was asked of the queue has come. `ok` is false for what was given up, and at the end of a stream.
    virtual void proceed(bool ok) = 0;
};

class UnaryPlace final : public Place {
public:
    UnaryPlace(EchoService& service, grpc::ServerCompletionQueue& queue) : service_(service), queue_(queue) { accept(); }

    void proceed(bool ok) override {
        if (answered_ || !ok) return accept();
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

class StreamPlace final : public Place {
public:
    StreamPlace(EchoService& service, Method method, grpc::ServerCompletionQueue& queue)
        : service_(service), method_(method), queue_(queue) {
        accept();
    }

    void proceed(bool ok) override {
        switch (step_) {
            case Step::accepting: return ok ? read() : accept();
            case Step::reading: return received(ok);
            case Step::writing: return ok ? sent() : accept();
            case Step::finishing: return accept();
        }
    }

private:
    enum class Step { accepting, reading, writing, finishing };

    struct State {
        grpc::ServerContext context;
        EchoService::Stream stream{&context};
        ByteBuffer message;
        uint64_t bytes = 0, messages = 0, left = 0;
        bool isFirst = true;
    };

    void accept() {
        step_ = Step::accepting;
        state_ = std::make_unique<State>();
        service_.accept(method_, state_->context, state_->stream, queue_, this);
    }

    void read() {
        step_ = Step::reading;
        state_->message.Clear();
        state_->stream.Read(&state_->message, this);
    }

    void received(bool ok) {
        if (method_ == kClientStream) {
            if (!ok) return finish(bigEndian(state_->bytes, 8) + bigEndian(state_->messages, 8));
            state_->bytes += state_->message.Length();
            state_->messages += 1;
            return read();
        }
        if (!ok) return finish();
        if (method_ == kServerStream) {
            std::string request = flattened(state_->message);
            state_->left = number(request, 0, 4);
            state_->message = buffer(request.substr(std::min<size_t>(4, request.size())));
            return sent();
        }
        step_ = Step::writing;
        state_->stream.Write(state_->message, this);
    }

    void sent() {
        if (method_ != kServerStream) return read();
        if (state_->left == 0) return finish();
        state_->left -= 1;
        step_ = state_->left == 0 ? Step::finishing : Step::writing;
        if (state_->left == 0) return state_->stream.WriteAndFinish(state_->message, {}, grpc::Status::OK, this);
        // Small messages are gathered into one write, but for the first: the head waits for it.
        grpc::WriteOptions options;
        if (!state_->isFirst && state_->message.Length() < 16384) options.set_buffer_hint();
        state_->isFirst = false;
        state_->stream.Write(state_->message, options, this);
    }

    void finish() {
        step_ = Step::finishing;
        state_->stream.Finish(grpc::Status::OK, this);
    }

    void finish(const std::string& last) {
        step_ = Step::finishing;
        state_->stream.WriteAndFinish(buffer(last), {}, grpc::Status::OK, this);
    }

    EchoService& service_;
    Method method_;
    grpc::ServerCompletionQueue& queue_;
    std::unique_ptr<State> state_;
    Step step_ = Step::accepting;
};

}  // namespace

int serveWithQueues(const rival::Options& options, const std::string& wire) {
    blockTermination();
    EchoService service;
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort(
        "127.0.0.1:" + std::to_string(static_cast<int>(options.number("port", 0))), serverCredentials(options, wire),
        &port);
    builder.SetMaxReceiveMessageSize(-1);
    builder.RegisterService(&service);
    std::vector<std::unique_ptr<grpc::ServerCompletionQueue>> queues;
    for (size_t i = 0; i < serverThreads(options); ++i) queues.push_back(builder.AddCompletionQueue());
    std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
    if (!server || port == 0) rival::fail("cannot listen on port " + options.text("port", "0"));

    constexpr int kCallsAtOnce = 256;
    std::vector<std::unique_ptr<Place>> places;
    for (auto& queue : queues) {
        for (int i = 0; i < kCallsAtOnce; ++i) {
            places.push_back(std::make_unique<UnaryPlace>(service, *queue));
            for (auto method : {kServerStream, kClientStream, kBidi}) {
                places.push_back(std::make_unique<StreamPlace>(service, method, *queue));
            }
        }
    }
    for (auto& queue : queues) {
        std::thread([&queue] {
            void* tag = nullptr;
            bool ok = false;
            while (queue->Next(&tag, &ok)) static_cast<Place*>(tag)->proceed(ok);
        }).detach();
    }
    waitForTermination(port);
}

}  // namespace echo
