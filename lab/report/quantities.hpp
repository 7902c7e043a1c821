// Numbers of a workload as a reader wants them, the same on the terminal and on a page.
//
// Misuse: in a document that programs read; those have plain numbers, and units in their keys.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

namespace assay::report {

std::string grouped(std::uint64_t number);              // 20,000
std::string size_text(double bytes);                    // 1.2kB
std::string rate_text(double per_s);                    // 3.75/s
std::string span_text(std::chrono::seconds span);       // 2.5 h
std::string instant_text(std::chrono::sys_seconds at);  // 2015-05-17 10:05:03
std::string zone_text(int minutes);                     // +05:30
// Share of each class of status that occurred: "2xx 98.1 %, 4xx 1.9 %".
std::string status_mix(const std::map<int, std::uint64_t>& statuses, std::uint64_t all);

}  // namespace assay::report
