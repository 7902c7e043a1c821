// What needs no process: keys against rows, placeholders, CPU sets, the end of a log.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lab/subject/environment.hpp"
#include "lab/subject/host.hpp"
#include "lab/subject/reconciliation.hpp"
#include "tests/lab/subject/scripted_server.hpp"
#include "tests/lab/subject/support.hpp"

namespace assay::subject {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(reconciliation, all_is_well) {
  const auto got =
      reconcile({.acknowledged = {"a", "b"}, .unanswered = {"c", "d"}, .refused = {"e"}, .stored = {"b", "a", "c"}});
  EXPECT_TRUE(got.done);
  EXPECT_TRUE(got.agrees());
  EXPECT_EQ(got.acknowledged, 2U);
  EXPECT_EQ(got.unanswered, 2U);
  EXPECT_EQ(got.stored, 3U);
  EXPECT_TRUE(reconcile({}).agrees());
  EXPECT_EQ(disagreement(got), "");
}

TEST(reconciliation, each_way_to_be_wrong) {
  const auto got = reconcile({.acknowledged = {"lost", "twice", "good"},
                              .unanswered = {"three"},
                              .refused = {"refused"},
                              .stored = {"twice", "good", "twice", "three", "three", "three", "refused", "foreign"}});
  EXPECT_FALSE(got.agrees());
  EXPECT_THAT(got.lost, ElementsAre("lost"));
  EXPECT_THAT(got.doubled, ElementsAre("twice", "three"));
  EXPECT_THAT(got.unknown, ElementsAre("refused", "foreign"));
  EXPECT_EQ(got.stored, 8U);
  EXPECT_EQ(disagreement(got),
            "1 acknowledged and not stored (lost); 2 stored more than once (twice, three); "
            "2 stored though refused or never sent (refused, foreign)");
}

TEST(reconciliation, a_repeated_key_counts_once_and_as_acknowledged) {
  const auto got = reconcile({.acknowledged = {"a", "a"}, .unanswered = {"a"}, .refused = {"a", "b"}, .stored = {"a"}});
  EXPECT_TRUE(got.agrees());
  EXPECT_EQ(got.acknowledged, 1U);
  EXPECT_EQ(got.unanswered, 0U);
}

TEST(reconciliation, lists_are_bounded_and_totals_are_not) {
  write_keys keys;
  for (int i = 0; i < 1000; i++) keys.acknowledged.push_back("k" + std::to_string(i));
  const auto got = reconcile(keys);
  EXPECT_EQ(got.lost.size(), max_listed_keys);
  EXPECT_EQ(got.lost.front(), "k0");
  EXPECT_EQ(got.lost_total, 1000U);
  EXPECT_EQ(disagreement(got), "1000 acknowledged and not stored (k0, k1, k2, …)");
}

TEST(placeholders, are_filled_or_refused) {
  const std::map<std::string, std::string> values = {{"port", "8080"}, {"third-party", "http://x"}};
  EXPECT_EQ(fill_placeholders("127.0.0.1:{port}", values), "127.0.0.1:8080");
  EXPECT_EQ(fill_placeholders("{third-party}/{port}{port}", values), "http://x/80808080");
  EXPECT_EQ(fill_placeholders("{{port}} {\"a\": 1} {", values), "{port} {\"a\": 1} {");
  EXPECT_EQ(fill_placeholders("", values), "");
  EXPECT_EQ(fill_placeholders("x{prot}", values).error(),
            "unknown placeholder {prot} in \"x{prot}\"; there are: port, third-party");
}

TEST(candidate, gets_its_command_and_nothing_of_ours) {
  ::setenv("ASSAY_SECRET_OF_THE_USER", "1", 1);
  model::candidate from;
  from.name = "flask";
  from.command = {"serve", "-b", "127.0.0.1:{port}"};
  from.directory = "/srv";
  from.environment = {{"PORT", "{port}"}, {"DATABASE_URL", "{database}"}};
  const auto request = candidate_request(from, 1234, {{"database", "postgresql://x"}}, {{"LD_PRELOAD", "probe.so"}});
  ASSERT_TRUE(request) << request.error();
  EXPECT_THAT(request->command, ElementsAre("serve", "-b", "127.0.0.1:1234"));
  EXPECT_EQ(request->environment.at("PORT"), "1234");
  EXPECT_EQ(request->environment.at("DATABASE_URL"), "postgresql://x");
  EXPECT_EQ(request->environment.at("LD_PRELOAD"), "probe.so");
  EXPECT_FALSE(request->environment.contains("ASSAY_SECRET_OF_THE_USER"));
  EXPECT_TRUE(request->environment.contains("PATH"));
  EXPECT_EQ(request->directory, "/srv");
  EXPECT_THAT(candidate_request(from, 1, {}).error(), HasSubstr("candidate flask: unknown placeholder {database}"));
}

TEST(candidate, a_build_that_fails_shows_its_last_words) {
  const temporary_directory dir;
  model::candidate from;
  from.name = "x";
  EXPECT_TRUE(build_candidate(from, dir.file("log")));  // none
  from.directory = dir.path();
  from.build = {"sh", "-c", "echo made > product"};
  EXPECT_TRUE(build_candidate(from, dir.file("log")));
  EXPECT_EQ(read_text(dir.file("product")), "made\n");
  from.build = {"sh", "-c", "echo no compiler >&2; exit 2"};
  EXPECT_EQ(
      build_candidate(from, dir.file("log")).error(),
      "candidate x: build `sh -c echo no compiler >&2; exit 2` exited with status 2; it printed last:\nno compiler");
  from.build = {"no-such-tool"};
  EXPECT_THAT(build_candidate(from, dir.file("log2")).error(), HasSubstr("No such file or directory"));
  from.build = {"tail", "-f", "/dev/null"};
  EXPECT_THAT(build_candidate(from, dir.file("log2"), 50ms).error(), HasSubstr("did not end within 0.05 s"));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THAT(build_candidate(from, dir.file("log2"), 1h, stop.get_token()).error(), HasSubstr("interrupted"));
}

TEST(candidate, versions_are_captured_within_limits) {
  model::candidate from;
  from.name = "x";
  EXPECT_EQ(capture_versions(from), "");
  from.versions = {"echo", "flask==3"};
  EXPECT_EQ(capture_versions(from), "flask==3\n");
  from.versions = {"head", "-c", "1000000", "/dev/zero"};
  EXPECT_EQ(capture_versions(from)->size(), max_captured_bytes);
  from.versions = {"sh", "-c", "exit 1"};
  EXPECT_THAT(capture_versions(from).error(), HasSubstr("exited with status 1; it printed nothing"));
}

TEST(ports, are_free_and_not_given_twice) {
  const auto first = free_port();
  const auto second = free_port();
  ASSERT_TRUE(first && second);
  EXPECT_NE(*first, *second);
  EXPECT_TRUE(port_is_free(*first));
  const scripted_server taken([](const seen_request&) { return std::optional<std::string>(""); }, *first);
  EXPECT_FALSE(port_is_free(*first));
}

TEST(cpus, are_shared_out) {
  const auto split = [](const std::vector<unsigned>& cpus) { return split_cpus(cpus, {}); };
  EXPECT_THAT(split({0, 1}).candidate, ElementsAre(1));
  EXPECT_THAT(split({0, 1}).lab, ElementsAre(0));
  EXPECT_EQ(split({0, 1}).remark, "");
  EXPECT_THAT(split({0, 2, 5}).candidate, ElementsAre(5));
  EXPECT_THAT(split({0, 1, 2, 3}).candidate, ElementsAre(2, 3));
  EXPECT_THAT(split({4}).candidate, ElementsAre(4));
  EXPECT_THAT(split({4}).lab, ElementsAre(4));
  EXPECT_THAT(split({4}).remark, HasSubstr("one CPU"));
  EXPECT_THAT(split_cpus({0, 1}, {{0, {0, 1}}, {1, {0, 1}}}).remark, HasSubstr("threads of one core"));
  EXPECT_FALSE(split_cpus().candidate.empty());
}

TEST(cpus, lists_are_read_as_the_kernel_writes_them) {
  EXPECT_THAT(parse_cpu_list("0-2,8"), ElementsAre(0, 1, 2, 8));
  EXPECT_THAT(parse_cpu_list("3"), ElementsAre(3));
  for (const char* wrong : {"", "x", "2-1", "1-", "-1", "1,,2", "99999", "0-4000000000"}) {
    EXPECT_THAT(parse_cpu_list(wrong), IsEmpty()) << wrong;
  }
  EXPECT_EQ(format_cpu_list({1, 2}), "1,2");
}

TEST(host, says_what_it_is) {
  const auto facts = host_facts();
  for (const char* name : {"cpu", "cpus", "memory", "kernel", "governor", "virtual"}) EXPECT_NE(facts.at(name), "");
  EXPECT_THAT(facts.at("kernel"), HasSubstr("Linux"));
  EXPECT_THAT(facts.at("memory"), HasSubstr("GiB"));
}

TEST(last_lines, of_any_file) {
  const temporary_directory dir;
  const std::string path = dir.file("log");
  EXPECT_EQ(last_lines(path), "");
  write_text(path, "");
  EXPECT_EQ(last_lines(path), "");
  write_text(path, "one\ntwo\nthree\n");
  EXPECT_EQ(last_lines(path), "one\ntwo\nthree");
  EXPECT_EQ(last_lines(path, 2), "two\nthree");
  EXPECT_EQ(last_lines(path, 1), "three");
  write_text(path, "a\x1b[31mred\n");
  EXPECT_EQ(last_lines(path), "a?[31mred");
  write_text(path, std::string(10'000, 'x'));
  EXPECT_EQ(last_lines(path).size(), 4096U);
}

}  // namespace
}  // namespace assay::subject
