// The floor under every round trip: 64 bytes to another process and back, over TCP on the loopback, with nothing
// between the program and the kernel. Prints the line that the other programs of the benchmark print.
//
//   tcp-ping-pong [SECONDS]

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr size_t kSize = 64;

[[noreturn]] void fail(const char* what) {
    std::perror(what);
    std::exit(2);
}

void withoutDelay(int socket) {
    int on = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

bool exchange(int socket, bool sends) {
    char message[kSize] = {};
    if (sends && write(socket, message, kSize) != static_cast<ssize_t>(kSize)) return false;
    for (size_t have = 0; have < kSize;) {
        ssize_t count = read(socket, message + have, kSize - have);
        if (count <= 0) return false;
        have += static_cast<size_t>(count);
    }
    return sends || write(socket, message, kSize) == static_cast<ssize_t>(kSize);
}

}  // namespace

int main(int count, char** words) {
    double seconds = count > 1 ? std::strtod(words[1], nullptr) : 1;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    if (bind(listener, reinterpret_cast<sockaddr*>(&address), length) != 0 || listen(listener, 1) != 0) fail("listen");
    getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);

    pid_t child = fork();
    if (child < 0) fail("fork");
    if (child == 0) {
        int peer = accept(listener, nullptr, nullptr);
        withoutDelay(peer);
        while (exchange(peer, false)) {}
        _exit(0);
    }
    int peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(peer, reinterpret_cast<sockaddr*>(&address), length) != 0) fail("connect");
    withoutDelay(peer);

    std::vector<float> latencies_us;
    latencies_us.reserve(1 << 20);
    for (auto warm = Clock::now() + std::chrono::milliseconds(200); Clock::now() < warm;) exchange(peer, true);
    rusage before{}, after{};
    getrusage(RUSAGE_SELF, &before);
    auto began = Clock::now();
    auto now = began;
    while (std::chrono::duration<double>(now - began).count() < seconds) {
        if (!exchange(peer, true)) fail("exchange");
        auto then = now;
        now = Clock::now();
        latencies_us.push_back(std::chrono::duration<float, std::micro>(now - then).count());
    }
    getrusage(RUSAGE_SELF, &after);
    close(peer);
    waitpid(child, nullptr, 0);

    auto microseconds = [](const rusage& usage) {
        return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
    };
    size_t calls = latencies_us.size();
    std::sort(latencies_us.begin(), latencies_us.end());
    std::printf(
        "calls_per_second=%.0f p50_us=%.2f p99_us=%.2f cpu_us_per_call=%.2f calls=%zu errors=0\n",
        calls / std::chrono::duration<double>(now - began).count(), latencies_us[calls / 2],
        latencies_us[calls * 99 / 100], (microseconds(after) - microseconds(before)) / calls, calls);
}
