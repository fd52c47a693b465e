// Policies, one a line, to findings, one line of JSON each: [[severity, check, directive, value], …].

#include "edge/grade.hpp"

#include <iostream>
#include <string>

#include <boost/json.hpp>

int main() {
    namespace edge = domicile::edge;
    for (std::string line; std::getline(std::cin, line);) {
        boost::json::array findings;
        for (const edge::Finding& one : edge::grade(edge::parse_policy(line))) {
            findings.push_back({edge::name(one.severity), one.check, one.directive, one.value});
        }
        std::cout << boost::json::serialize(findings) << '\n';
    }
    return 0;
}
