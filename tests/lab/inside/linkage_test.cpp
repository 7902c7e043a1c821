#include "lab/inside/linkage.hpp"

#include <elf.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

namespace assay::inside {
namespace {

class linkage : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = (std::filesystem::temp_directory_path() / "assay-linkage-XXXXXX").string();
    const int fd = ::mkstemp(path_.data());
    ASSERT_GE(fd, 0);
    ::close(fd);
  }
  void TearDown() override { std::filesystem::remove(path_); }

  // A program of one segment, of that type, whose content is the text.
  std::string write(std::uint32_t segment_type, const std::string& text) {
    Elf64_Ehdr head{};
    std::memcpy(head.e_ident, ELFMAG, SELFMAG);
    head.e_ident[EI_CLASS] = ELFCLASS64;
    head.e_phoff = sizeof head;
    head.e_phentsize = sizeof(Elf64_Phdr);
    head.e_phnum = 1;
    Elf64_Phdr segment{};
    segment.p_type = segment_type;
    segment.p_offset = sizeof head + sizeof segment;
    segment.p_filesz = text.size() + 1;
    std::ofstream file(path_, std::ios::binary);
    file.write(reinterpret_cast<const char*>(&head), sizeof head);
    file.write(reinterpret_cast<const char*>(&segment), sizeof segment);
    file.write(text.c_str(), static_cast<std::streamsize>(text.size() + 1));
    return path_;
  }
  std::string path_;
};

TEST_F(linkage, the_dynamic_linker_tells_which_libc) {
  EXPECT_EQ(preload_obstacle(write(PT_INTERP, "/lib64/ld-linux-x86-64.so.2")), "");
  EXPECT_EQ(preload_obstacle(write(PT_INTERP, "/lib/ld-musl-x86_64.so.1")), "a program of musl's");
  EXPECT_EQ(preload_obstacle(write(PT_LOAD, "")), "a static program");
}

TEST_F(linkage, rights_that_are_lent_keep_the_library_out) {
  write(PT_INTERP, "/lib64/ld-linux-x86-64.so.2");
  ASSERT_EQ(::chmod(path_.c_str(), 04755), 0);
  EXPECT_EQ(preload_obstacle(path_), "a set-uid program");
}

TEST_F(linkage, what_is_no_program_of_ours_is_said_and_what_is_cut_off_is_not_guessed) {
  std::ofstream(path_) << std::string(100, '#');
  EXPECT_EQ(preload_obstacle(path_), "a program that is no 64-bit ELF file");
  std::ofstream(path_, std::ios::trunc) << "\177ELF";
  EXPECT_EQ(preload_obstacle(path_), "");
  EXPECT_EQ(preload_obstacle("/nowhere"), "");
  write(PT_INTERP, "/lib/ld-musl-x86_64.so.1");
  std::filesystem::resize_file(path_, sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr) + 3);
  EXPECT_EQ(preload_obstacle(path_), "") << "an interpreter without its end";
}

TEST_F(linkage, this_program_is_linked_as_it_must_be) {
  EXPECT_EQ(preload_obstacle(static_cast<std::uint32_t>(::getpid())), "");
}

}  // namespace
}  // namespace assay::inside
