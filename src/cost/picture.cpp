#include "cost/picture.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace domicile::cost {
namespace {

constexpr double width = 760;
constexpr double height = 460;
constexpr double left = 80;
constexpr double right = 30;
constexpr double top = 56;
constexpr double bottom = 58;

std::string fixed(double value) {
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), "%.1f", value);
    return text.data();
}

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        out += c == '&'   ? "&amp;"
               : c == '<' ? "&lt;"
               : c == '>' ? "&gt;"
               : c == '"' ? "&quot;"
                          : std::string(1, c);
    }
    return out;
}

/// "100 k", "10 M", "1 G".
std::string short_number(double value) {
    static constexpr std::array<std::pair<double, std::string_view>, 3> units = {
        {{1e9, " G"}, {1e6, " M"}, {1e3, " k"}}};
    for (const auto& [unit, name] : units) {
        if (value >= unit * 0.9995) {
            const double shown = value / unit;
            std::array<char, 48> text{};
            std::snprintf(text.data(), text.size(),
                          shown < 9.95 && shown != std::round(shown) ? "%.1f" : "%.0f", shown);
            return text.data() + std::string(name);
        }
    }
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), value < 1 ? "%.2g" : "%.0f", value);
    return text.data();
}

struct Axis {
    double from = 0, to = 1;  // decimal logarithms
    double start = 0, end = 1;
    [[nodiscard]] double operator()(double value) const {
        return start + (std::log10(value) - from) / (to - from) * (end - start);
    }
};

std::string line(double x1, double y1, double x2, double y2, std::string_view look) {
    return "<line x1=\"" + fixed(x1) + "\" y1=\"" + fixed(y1) + "\" x2=\"" + fixed(x2) + "\" y2=\"" +
           fixed(y2) + "\" " + std::string(look) + "/>\n";
}
std::string words(double x, double y, std::string_view anchor, std::string_view text,
                  std::string_view look = "") {
    return "<text x=\"" + fixed(x) + "\" y=\"" + fixed(y) + "\" text-anchor=\"" + std::string(anchor) +
           "\" " + std::string(look) + ">" + escaped(text) + "</text>\n";
}

}  // namespace

std::string picture(const Plan& plan, double requests, std::string_view title, std::string_view currency) {
    double least = HUGE_VAL;
    double most = 0;
    for (const Point& point : plan.curve) {
        for (const double value : {point.lambda, point.instances}) {
            least = value > 0 ? std::min(least, value) : least;
            most = std::max(most, value);
        }
    }
    const Axis x{std::log10(plan.curve.front().requests), std::log10(plan.curve.back().requests), left,
                 width - right};
    const Axis y{std::floor(std::log10(std::max(least, most / 1e5))), std::ceil(std::log10(most)),
                 height - bottom, top};
    std::string svg =
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + fixed(width) + " " + fixed(height) +
        "\" font-family=\"system-ui, sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" "
        "fill=\"#fff\"/>\n";
    svg += words(left, 26, "start", title, "font-size=\"16\" font-weight=\"600\"");
    for (int decade = static_cast<int>(std::ceil(x.from)); decade <= x.to; ++decade) {
        const double at = x(std::pow(10.0, decade));
        svg += line(at, top, at, height - bottom, "stroke=\"#e3e3e3\"");
        svg += words(at, height - bottom + 18, "middle", short_number(std::pow(10.0, decade)));
    }
    for (int decade = static_cast<int>(y.from); decade <= y.to; ++decade) {
        const double at = y(std::pow(10.0, decade));
        svg += line(left, at, width - right, at, "stroke=\"#e3e3e3\"");
        svg += words(left - 8, at + 4, "end", short_number(std::pow(10.0, decade)));
    }
    svg += words((left + width - right) / 2, height - 16, "middle", "requests a month");
    svg += words(left, 46, "start", std::string(currency) + " a month");
    const auto path = [&](double Point::* value, std::string_view colour) {
        std::string points;
        for (const Point& point : plan.curve) {
            if (point.*value >= std::pow(10.0, y.from)) {
                points +=
                    (points.empty() ? "" : " ") + fixed(x(point.requests)) + "," + fixed(y(point.*value));
            }
        }
        return "<polyline fill=\"none\" stroke-width=\"2.5\" stroke=\"" + std::string(colour) +
               "\" points=\"" + points + "\"/>\n";
    };
    svg += path(&Point::lambda, "#b3541e");
    svg += path(&Point::instances, "#1e5fb3");
    svg += words(width - right, 26, "end", "Lambda", "fill=\"#b3541e\" font-weight=\"600\"");
    svg += words(width - right, 44, "end", "instances", "fill=\"#1e5fb3\" font-weight=\"600\"");
    const auto mark = [&](double volume, std::string_view text, std::string_view colour, double row) {
        if (volume < plan.curve.front().requests || volume > plan.curve.back().requests) {
            return;
        }
        const double at = x(volume);
        const bool late = at > width * 0.7;
        svg += line(at, top, at, height - bottom,
                    "stroke-dasharray=\"5 4\" stroke=\"" + std::string(colour) + "\"");
        svg += words(late ? at - 6 : at + 6, row, late ? "end" : "start", text,
                     "fill=\"" + std::string(colour) + "\"");
    };
    if (plan.break_even) {
        mark(plan.break_even->requests, "break-even: " + short_number(plan.break_even->requests), "#333",
             top + 14);
    }
    mark(requests, "this load: " + short_number(requests), "#2c7a2c", top + 30);
    return svg + "</svg>\n";
}

}  // namespace domicile::cost
