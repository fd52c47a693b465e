// A fuzz target without a fuzzer: runs every file of the folders named as arguments, then a fixed number of
// seeded mutations of them. Deterministic, seconds long; a part of the ordinary tests. On a crash it prints
// the input.
//
// FUZZ_SEED and FUZZ_MUTATIONS replace the seed and the number.

#include "fuzz.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <sys/types.h>
#include <unistd.h>
#include <vector>

extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace {

const std::string* current = nullptr;

/// Only calls that are safe in a signal handler.
void print_input() {
    constexpr char digits[] = "0123456789abcdef";
    constexpr std::size_t bytes_max = 8'192;
    static char text[2 * bytes_max + 1];
    if (current == nullptr) {
        return;
    }
    const std::size_t size = std::min(current->size(), bytes_max);
    for (std::size_t i = 0; i < size; ++i) {
        text[2 * i] = digits[static_cast<unsigned char>((*current)[i]) >> 4U];
        text[2 * i + 1] = digits[static_cast<unsigned char>((*current)[i]) & 15U];
    }
    text[2 * size] = '\n';
    constexpr char head[] = "the input, in hexadecimal:\n";
    ssize_t ignored = ::write(STDERR_FILENO, head, sizeof head - 1);
    ignored = ::write(STDERR_FILENO, text, 2 * size + 1);
    static_cast<void>(ignored);
    current = nullptr;
}

void on_signal(int number) {
    print_input();
    std::signal(number, SIG_DFL);
    std::raise(number);
}

void run(const std::string& input) {
    current = &input;
    // A heap copy of the exact size, so that a sanitizer sees reads past the end.
    const std::vector<std::uint8_t> exact(input.begin(), input.end());
    LLVMFuzzerTestOneInput(exact.data(), exact.size());
    current = nullptr;
}

std::string mutate(std::string text, const std::vector<std::string>& corpus, std::mt19937_64& random) {
    constexpr unsigned char interesting[] = {0x00, 0x01, 0x7F, 0x80, 0xFE, 0xFF,
                                             '"',  '\\', ',',  '\n', '\r', '%'};
    const auto rounds = 1 + random() % 4;
    for (std::uint64_t round = 0; round < rounds; ++round) {
        const std::size_t at = text.empty() ? 0 : random() % text.size();
        switch (random() % 7) {
            case 0:
                if (!text.empty()) {
                    text[at] =
                        static_cast<char>(static_cast<unsigned char>(text[at]) ^ (1U << (random() % 8)));
                }
                break;
            case 1:
                text.insert(at, 1, static_cast<char>(interesting[random() % std::size(interesting)]));
                break;
            case 2:
                if (!text.empty()) {
                    text[at] = static_cast<char>(interesting[random() % std::size(interesting)]);
                }
                break;
            case 3: text.erase(at, 1 + random() % 8); break;
            case 4: text.insert(at, text.substr(random() % (text.size() + 1), random() % 32)); break;
            case 5: text.resize(at); break;
            default: {
                const std::string& other = corpus[random() % corpus.size()];
                text = text.substr(0, at) + other.substr(other.empty() ? 0 : random() % other.size());
            }
        }
    }
    return text;
}

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace

int main(int count, char** arguments) {
    for (const int number : {SIGABRT, SIGSEGV, SIGFPE, SIGILL, SIGBUS}) {
        std::signal(number, on_signal);
    }
    if (__sanitizer_set_death_callback != nullptr) {
        __sanitizer_set_death_callback(print_input);
    }
    std::vector<std::filesystem::path> files;
    for (int i = 1; i < count; ++i) {
        if (std::filesystem::is_directory(arguments[i])) {
            for (const auto& entry : std::filesystem::directory_iterator(arguments[i])) {
                files.push_back(entry.path());
            }
        }
    }
    std::ranges::sort(files);
    std::vector<std::string> corpus{""};
    for (const auto& file : files) {
        std::ifstream in(file, std::ios::binary);
        corpus.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
        run(corpus.back());
    }
    if (files.empty()) {
        std::puts("no seeds: wrong folder?");
        return 1;
    }
    const std::uint64_t seed = number_from("FUZZ_SEED", 20'261'122);
    const std::uint64_t mutations = number_from("FUZZ_MUTATIONS", 3'000);
    std::printf("%zu kept inputs, then %llu mutations with FUZZ_SEED=%llu\n", files.size(),
                static_cast<unsigned long long>(mutations), static_cast<unsigned long long>(seed));
    std::fflush(stdout);
    std::mt19937_64 random(seed);
    for (std::uint64_t i = 0; i < mutations; ++i) {
        run(mutate(corpus[random() % corpus.size()], corpus, random));
    }
    return 0;
}
