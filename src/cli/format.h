// Numbers and lists as people read them.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace verissim::cli {

// "4.2 ms", "12.3 s", "3 min 05 s", "2 h 07 min"
std::string format_seconds(double seconds);
// Four significant digits: "0.9843", "-1.2e-09", "-infinity"
std::string format_number(double value);
// An SSIM value, rounded so that it never seems to lie on the other side of the threshold, nor
// to be 1 where it is less: "0.98000012"
std::string format_ssim(double value, double threshold);
// The same for a distance and a radius: "0.4321".
std::string format_distance(double value, double radius);
// "96.3 %"
std::string format_percent(double share);
// "1 round", "2 rounds", "12,345 subproblems"
std::string format_count(int64_t count, const std::string& noun);

// Lines of a name and what there is to say of it, aligned.
using Facts = std::vector<std::pair<std::string, std::string>>;
std::string format_facts(const Facts& facts);

// To standard output. Throws InputError if that cannot be written.
void print(const std::string& text);

}  // namespace verissim::cli
