// What every part of this rival shares: the methods of echo.Echo, credentials, numbers in messages.

#pragma once

#include "../common/workers.h"

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

namespace echo {

using grpc::ByteBuffer;

constexpr const char* kMethods[] = {
    "/echo.Echo/Unary", "/echo.Echo/ServerStream", "/echo.Echo/ClientStream", "/echo.Echo/Bidi"};
enum Method { kUnary, kServerStream, kClientStream, kBidi };

// Servers run until standard input closes or SIGTERM comes.
int serveWithQueues(const rival::Options& options, const std::string& wire);
int serveWithCallbacks(const rival::Options& options, const std::string& wire);
int call(const rival::Options& options, const std::string& wire, const std::string& scenario);

std::shared_ptr<grpc::ServerCredentials> serverCredentials(const rival::Options& options, const std::string& wire);
// `1`, or with --threads as many.
size_t serverThreads(const rival::Options& options);
// Builds, says where the server listens, and ends the process when told to.
void blockTermination();
[[noreturn]] void waitForTermination(int port);

std::string flattened(const ByteBuffer& buffer);
ByteBuffer buffer(const std::string& bytes);
std::string bigEndian(uint64_t value, int bytes);
uint64_t number(const std::string& bytes, size_t from, size_t count);

}  // namespace echo
