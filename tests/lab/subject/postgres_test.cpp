// A real PostgreSQL: up, used, stopped, killed, missing.
#include "lab/subject/postgres_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>

#include "lab/subject/environment.hpp"
#include "tests/lab/subject/scripted_server.hpp"
#include "tests/lab/subject/support.hpp"

namespace assay::subject {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

class postgres : public testing::Test {
 protected:
  std::string directory_of(const postgres_server& server) {
    return std::filesystem::read_symlink("/proc/" + std::to_string(server.pid()) + "/cwd").parent_path().string();
  }
  const temporary_directory dir_;
  const std::string log_ = dir_.file("postgres.log");
};

TEST_F(postgres, serves_and_goes_without_a_trace) {
  auto server = postgres_server::start({.databases = {"shop", "other"}, .log = log_, .parent = dir_.path()});
  ASSERT_TRUE(server) << server.error();
  EXPECT_TRUE(server->alive());
  EXPECT_EQ(server->death(), "");
  EXPECT_EQ(server->url("shop"), "postgresql://shop@127.0.0.1:" + std::to_string(server->port()) + "/shop");

  write_text(dir_.file("schema.sql"), "-- größer\nCREATE TABLE t (k text);\nINSERT INTO t VALUES ('a'), ('b');\n");
  ASSERT_TRUE(server->run_sql_files("shop", {dir_.file("schema.sql")}));
  EXPECT_THAT(server->query_column("shop", "SELECT k FROM t ORDER BY k").value(), ElementsAre("a", "b"));
  EXPECT_THAT(server->query_column("shop", "SELECT current_user || ' ' || session_user").value(),
              ElementsAre("shop shop"));
  EXPECT_TRUE(server->run_sql("shop", "TRUNCATE t"));
  EXPECT_THAT(server->query_column("shop", "SELECT k FROM t").value(), ElementsAre());

  // Wrong statements: the line, and nothing of the file is kept.
  write_text(dir_.file("bad.sql"), "-- ä\nINSERT INTO t VALUES ('x');\nSELECT 1\nFROM nowhere;\n");
  EXPECT_EQ(server->run_sql_files("shop", {dir_.file("bad.sql")}).error(),
            dir_.file("bad.sql") + ":4: relation \"nowhere\" does not exist");
  EXPECT_THAT(server->query_column("shop", "SELECT k FROM t").value(), ElementsAre());
  EXPECT_THAT(server->run_sql_files("shop", {"/nowhere.sql"}).error(), HasSubstr("cannot be read"));
  EXPECT_THAT(server->run_sql("shop", "COPY t FROM STDIN").error(), HasSubstr("COPY"));
  EXPECT_THAT(server->query_column("shop", "SELECT NULL").error(), HasSubstr("row 1 is NULL"));
  EXPECT_THAT(server->query_column("nobody", "SELECT 1").error(), HasSubstr("nobody"));

  const auto settings = server->settings();
  ASSERT_TRUE(settings) << settings.error();
  EXPECT_EQ(settings->at("fsync"), "on");
  EXPECT_EQ(settings->at("shared_buffers"), "128MB");
  EXPECT_NE(settings->at("version"), "");

  const std::string directory = directory_of(*server);
  EXPECT_TRUE(std::filesystem::exists(directory)) << directory;
  const auto stopped = server->stop();
  ASSERT_TRUE(stopped) << stopped.error();
  EXPECT_FALSE(server->alive());
  EXPECT_FALSE(std::filesystem::exists(directory)) << directory;
}

TEST_F(postgres, a_hanging_statement_and_a_killed_server_are_seen) {
  auto server = postgres_server::start({.databases = {"shop"}, .log = log_});
  ASSERT_TRUE(server) << server.error();
  const postgres_login hasty = {.url = server->url("shop"), .limit = 100ms};
  EXPECT_THAT(query_column(hasty, "SELECT pg_sleep(600)").error(), HasSubstr("not finished in time"));
  ::kill(server->pid(), SIGSTOP);
  EXPECT_THAT(query_column(hasty, "SELECT 1").error(), HasSubstr("does not answer"));
  ::kill(server->pid(), SIGKILL);
  EXPECT_TRUE(wait_until([&] { return !server->alive(); }));
  EXPECT_THAT(server->death(), HasSubstr("PostgreSQL was ended by signal 9 (Killed)"));
  EXPECT_FALSE(server->query_column("shop", "SELECT 1"));
  EXPECT_EQ(server->check_answers().error(), server->death());
  EXPECT_TRUE(server->stop());
}

TEST_F(postgres, does_not_come_back_by_itself_after_a_crash) {
  auto server = postgres_server::start({.databases = {"shop"}, .log = log_});
  ASSERT_TRUE(server) << server.error();
  EXPECT_TRUE(server->check_answers());
  const std::string of_server = "/proc/" + std::to_string(server->pid()) + "/task/" + std::to_string(server->pid());
  pid_t child = 0;  // the checkpointer, as good as any that shares its memory
  ASSERT_TRUE(std::ifstream(of_server + "/children") >> child);
  ::kill(child, SIGKILL);
  EXPECT_TRUE(wait_until([&] { return !server->alive(); }));
  EXPECT_THAT(server->check_answers().error(), HasSubstr("was terminated by signal 9: Killed"));
}

TEST_F(postgres, refuses_what_cannot_be) {
  const std::uint16_t port = *free_port();
  const scripted_server taken([](const seen_request&) { return std::optional<std::string>(""); }, port);
  EXPECT_EQ(postgres_server::start({.log = log_, .port = port}).error(),
            "PostgreSQL: port " + std::to_string(port) + " of 127.0.0.1 is in use");
  EXPECT_THAT(postgres_server::start({.log = log_, .binaries = dir_.path()}).error(),
              HasSubstr("no initdb and postgres"));
  EXPECT_THAT(postgres_server::start({.databases = {"a b"}, .log = log_}).error(), HasSubstr("no name"));
  EXPECT_THAT(postgres_server::start({.log = "/nowhere/log"}).error(), HasSubstr("cannot open /nowhere/log"));

  // One that cannot make its data.
  write_text(dir_.file("initdb"), "#!/bin/sh\necho disk full >&2\nexit 7\n");
  write_text(dir_.file("postgres"), "#!/bin/sh\n");
  for (const char* name : {"initdb", "postgres"}) {
    std::filesystem::permissions(dir_.file(name), std::filesystem::perms(0755));
  }
  std::filesystem::permissions(dir_.path(), std::filesystem::perms(0755));
  EXPECT_EQ(postgres_server::start({.log = log_, .binaries = dir_.path()}).error(),
            "PostgreSQL exited with status 7; last lines of its log:\ndisk full");
}

}  // namespace
}  // namespace assay::subject
