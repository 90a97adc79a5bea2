// The server with the callback API.

#include "echo.h"

#include <grpcpp/generic/async_generic_service.h>

namespace echo {
namespace {

class Reactor final : public grpc::ServerGenericBidiReactor {
public:
    explicit Reactor(Method method) : method_(method) { StartRead(&message_); }

    void OnReadDone(bool ok) override {
        switch (method_) {
            case kUnary:
                if (!ok) return Finish({grpc::StatusCode::INTERNAL, "the request has no message"});
                return StartWriteAndFinish(&message_, {}, grpc::Status::OK);
            case kBidi: return ok ? StartWrite(&message_) : Finish(grpc::Status::OK);
            case kClientStream:
                if (!ok) {
                    message_ = buffer(bigEndian(bytes_, 8) + bigEndian(messages_, 8));
                    return StartWriteAndFinish(&message_, {}, grpc::Status::OK);
                }
                bytes_ += message_.Length();
                messages_ += 1;
                message_.Clear();
                return StartRead(&message_);
            case kServerStream: {
                if (!ok) return Finish(grpc::Status::OK);
                std::string request = flattened(message_);
                left_ = number(request, 0, 4);
                message_ = buffer(request.substr(std::min<size_t>(4, request.size())));
                return writeNext();
            }
        }
    }

    void OnWriteDone(bool ok) override {
        if (!ok) return Finish(grpc::Status::CANCELLED);
        if (method_ == kServerStream) return writeNext();
        message_.Clear();
        StartRead(&message_);
    }

    void OnDone() override { delete this; }

private:
    void writeNext() {
        if (left_ == 0) return Finish(grpc::Status::OK);
        left_ -= 1;
        if (left_ == 0) return StartWriteAndFinish(&message_, {}, grpc::Status::OK);
        grpc::WriteOptions options;
        if (!isFirst_ && message_.Length() < 16384) options.set_buffer_hint();
        isFirst_ = false;
        StartWrite(&message_, options);
    }

    Method method_;
    ByteBuffer message_;
    uint64_t bytes_ = 0, messages_ = 0, left_ = 0;
    bool isFirst_ = true;
};

class Unknown final : public grpc::ServerGenericBidiReactor {
public:
    Unknown() { Finish({grpc::StatusCode::UNIMPLEMENTED, ""}); }
    void OnDone() override { delete this; }
};

class EchoService final : public grpc::CallbackGenericService {
    grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override {
        for (int i = 0; i < 4; ++i) {
            if (context->method() == kMethods[i]) return new Reactor(static_cast<Method>(i));
        }
        return new Unknown;
    }
};

}  // namespace

int serveWithCallbacks(const rival::Options& options, const std::string& wire) {
    blockTermination();
    EchoService service;
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort(
        "127.0.0.1:" + std::to_string(static_cast<int>(options.number("port", 0))), serverCredentials(options, wire),
        &port);
    builder.SetMaxReceiveMessageSize(-1);
    builder.RegisterCallbackGenericService(&service);
    std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
    if (!server || port == 0) rival::fail("cannot listen on port " + options.text("port", "0"));
    waitForTermination(port);
}

}  // namespace echo
