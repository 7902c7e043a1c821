// The table of background tasks.
#include <algorithm>

#include "lab/plan/drafts.hpp"

namespace assay::plan {
namespace {

constexpr double least_every_s = 0.1;
constexpr double longest_every_s = 86'400;
constexpr double longest_task_s = 3'600;

void finish_task(reader& in, const std::string& path, const yaml_node& node, background_draft& into) {
  if (into.request.empty() == into.command.empty()) {
    return in.refuse(node.at, path + ": expected exactly one of request, command");
  }
  into.directory = in.absolute(into.runs_in_directory);
  if (into.request.empty()) {
    for (const char* const of_request : {"headers", "body"}) {
      if (const yaml_node* found = node.find(of_request)) {
        return in.refuse(found->at, path + ": \"" + of_request + "\" is of a request, and there is none");
      }
    }
    return;
  }
  const std::size_t space = std::min(into.request.find(' '), into.request.size());
  into.method = into.request.substr(0, space);
  const bool upper = std::ranges::all_of(into.method, [](char c) { return c >= 'A' && c <= 'Z'; });
  const bool is_path = std::string_view(into.request).substr(space).starts_with(" /");
  if (into.method.empty() || !upper || !is_path) {
    return in.expected(path + ".request", *node.find("request"), "a method and a path such as POST /cache/warm");
  }
  into.target = into.request.substr(space + 1);
}

}  // namespace

const section& background_section() {
  static const section table = [] {
    keys_of<background_draft> keys(
        "background",
        "a background task: either a request to the candidate or a command; beside the load, and not counted with it. "
        "While it still runs its next instants are left out");
    keys.text("name", &background_draft::name, "as the report shows it").required();
    keys.duration("every", &background_draft::every, least_every_s, longest_every_s, "from one begin to the next")
        .required();
    keys.duration("after", &background_draft::after, 0, longest_every_s, "the first, from the first phase's begin")
        .otherwise("0s");
    keys.text("request", &background_draft::request, "method and path, as they are sent: POST /cache/warm");
    keys.text_map("headers", &background_draft::headers, "of the request, as they are sent");
    keys.text("body", &background_draft::body, "of the request, as it is sent");
    keys.texts("command", &background_draft::command,
               "run on the cores of the dependencies; {url} is the candidate's address, {NAME} a dependency's");
    keys.text("directory", &background_draft::runs_in_directory, "where the command runs").otherwise("the file's");
    keys.duration("timeout", &background_draft::timeout, 0.001, longest_task_s, "then it is ended, and has failed");
    keys.texts("phases", &background_draft::phases, "names of the phases in which it runs").otherwise("all");
    return keys.finished_by(finish_task);
  }();
  return table;
}

}  // namespace assay::plan
