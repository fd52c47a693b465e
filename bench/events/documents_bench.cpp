// How many audit documents one core makes and seals a second: the sample's invoices, each text new or
// recurring as in real life, made (shaped, set, put together by libqpdf), hashed, and sealed under a key of
// its person. CPU seconds of this process, so that what else the machine does does not count.

#include "crypto/hash.hpp"
#include "documents/keeper.hpp"
#include "documents/pdf.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <sys/resource.h>

namespace {

using namespace domicile;

documents::Record invoice(int number, int lines) {
    documents::Record record;
    record.id = "eu-1." + std::to_string(number);
    record.title = "Invoice " + std::to_string(536'365 + number);
    record.institution = "eu-tax";
    record.recorded_at = "2026-11-26T22:00:05Z";
    record.hash = crypto::hex(crypto::view(crypto::sha256(record.id)));
    record.fields = {{"name", "Dario Ek " + std::to_string(number % 977)},
                     {"country", number % 3 == 0 ? "AT" : "FR"},
                     {"invoiced_at", "2010-12-" + std::to_string(number % 28 + 1) + " 08:26"},
                     {"total", std::to_string(number * 7 % 9'999) + ".12"}};
    record.columns = {"stock code", "description", "quantity", "unit price"};
    record.numeric = {false, false, true, true};
    for (int i = 0; i < lines; ++i) {
        const int item = (number * 31 + i * 17) % 4'070;  // as many as the source has
        record.rows.push_back({std::to_string(20'000 + item),
                               "WHITE HANGING HEART T-LIGHT HOLDER " + std::to_string(item),
                               std::to_string(i % 12 + 1), std::to_string(item % 20) + ".55"});
    }
    return record;
}

double cpu_seconds() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

}  // namespace

int main(int count, char** arguments) {
    const int each = count > 1 ? std::atoi(arguments[1]) : 3'000;
    documents::PdfMaker maker;
    const base::Secret<std::string> key(std::string(32, 'k'));
    std::puts("lines a document   documents/CPU second   kB each");
    for (const int lines : {0, 5, 20, 60}) {
        for (int i = 0; i < 300; ++i) {
            std::ignore = maker.make(invoice(i, lines));
        }
        std::size_t bytes = 0;
        const double began = cpu_seconds();
        for (int i = 0; i < each; ++i) {
            const auto record = invoice(i, lines);
            const std::string pdf = maker.make(record);
            const auto hash = crypto::sha256(pdf);
            const std::string sealed = documents::seal_document(key, record.id, pdf);
            bytes += sealed.size() + (hash[0] & 1U);
        }
        const double rate = each / (cpu_seconds() - began);
        std::printf("%16d   %20.0f   %7.1f%s\n", lines, rate, static_cast<double>(bytes) / each / 1'000.0,
                    rate < 1'000 ? "   below the goal of 1 000" : "");
    }
    return 0;
}
