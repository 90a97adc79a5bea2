// The command line that all rivals share; ../../README.md describes it.

#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace rival {

[[noreturn]] inline void fail(const std::string& why) {
    std::cerr << "error: " << why << std::endl;
    std::exit(2);
}

// What was asked for is not something that this program does.
[[noreturn]] inline void unsupported(const std::string& what) {
    std::cerr << "unsupported: " << what << std::endl;
    std::exit(64);
}

// `--name value` pairs after the first word.
class Options {
public:
    Options(int count, char** words) {
        for (int i = 2; i < count; i += 2) {
            std::string name = words[i];
            if (name.rfind("--", 0) != 0 || i + 1 >= count) fail("expected --name value, got '" + name + "'");
            values_[name.substr(2)] = words[i + 1];
        }
    }

    std::string text(const std::string& name, const std::string& otherwise = "") const {
        auto found = values_.find(name);
        return found == values_.end() ? otherwise : found->second;
    }

    double number(const std::string& name, double otherwise) const {
        std::string value = text(name);
        if (value.empty()) return otherwise;
        char* end = nullptr;
        double parsed = std::strtod(value.c_str(), &end);
        if (*end != 0 || parsed < 0) fail("--" + name + " must be a number, and is '" + value + "'");
        return parsed;
    }

    size_t count(const std::string& name, size_t otherwise) const {
        return std::max<size_t>(1, static_cast<size_t>(number(name, static_cast<double>(otherwise))));
    }

    // The contents of the file that an option names; nothing when the option is absent.
    std::string file(const std::string& name) const {
        std::string path = text(name);
        if (path.empty()) return "";
        std::ifstream stream(path, std::ios::binary);
        if (!stream) fail("cannot read " + path);
        std::ostringstream contents;
        contents << stream.rdbuf();
        return contents.str();
    }

    // The port of `--to 127.0.0.1:PORT`.
    uint16_t targetPort() const {
        std::string target = text("to");
        auto colon = target.rfind(':');
        if (colon == std::string::npos) fail("--to 127.0.0.1:PORT is needed");
        return static_cast<uint16_t>(std::atoi(target.c_str() + colon + 1));
    }

private:
    std::map<std::string, std::string> values_;
};

// WIRE:SCENARIO pairs that a program knows.
using Pairs = std::vector<std::string>;

inline void requirePair(const Pairs& pairs, const std::string& wire, const std::string& scenario) {
    std::string pair = wire + ":" + scenario;
    if (std::find(pairs.begin(), pairs.end(), pair) == pairs.end()) unsupported(pair);
}

inline void requireWire(const Pairs& pairs, const std::string& wire) {
    for (auto& pair : pairs) {
        if (pair.rfind(wire + ":", 0) == 0) return;
    }
    unsupported("the wire '" + wire + "'");
}

inline int printPairs(const Pairs& pairs) {
    for (auto& pair : pairs) std::printf("%s\n", pair.c_str());
    return 0;
}

}  // namespace rival
