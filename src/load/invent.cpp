#include "load/invent.hpp"

#include "crypto/hash.hpp"

#include <array>

namespace domicile::load {
namespace {

constexpr std::array<std::string_view, 32> given = {
    "Ada",   "Bram",   "Chloé", "Dario", "Elin",  "Fionn", "Greta", "Håkon", "Inés",  "Jonas", "Katya",
    "Liam",  "Maren",  "Niall", "Oriol", "Petra", "Quinn", "Rosa",  "Søren", "Tove",  "Uwe",   "Vera",
    "Wanda", "Ximena", "Yusuf", "Zoë",   "Anouk", "Bence", "Ciara", "Dóra",  "Eamon", "Freya"};
constexpr std::array<std::string_view, 32> family = {
    "Ashdown",  "Berger",  "Castell", "Dvořák",    "Eriksen", "Fontaine", "Grünwald", "Hughes",
    "Ivarsson", "Jansen",  "Keller",  "Lindqvist", "Moreau",  "Novak",    "O'Brien",  "Papadakis",
    "Quist",    "Rossi",   "Silva",   "Takács",    "Ulrich",  "Vermeer",  "Whitlock", "Xavier",
    "Yilmaz",   "Zanetti", "Almeida", "Brandt",    "Conti",   "Duarte",   "Ek",       "Färber"};

}  // namespace

std::string invented_name(std::string_view key) {
    const auto digest = crypto::sha256(key);
    return std::string(given[digest[0] % given.size()]) + " " +
           std::string(family[digest[1] % family.size()]);
}

std::string invented_email(std::string_view key) {
    return "c" + crypto::hex(crypto::view(crypto::sha256(key))).substr(0, 12) + "@example.org";
}

}  // namespace domicile::load
