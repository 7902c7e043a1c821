// The tables of a candidate's descriptor, and of a candidate in a plan, which may refer to one.
#include "lab/plan/drafts.hpp"

namespace assay::plan {
namespace {

constexpr double most_ready_s = 3600;

const section& ready_section() {
  static const section table = [] {
    keys_of<ready_draft> keys("ready", "when a candidate may be loaded: this path answers 200");
    keys.text("path", &ready_draft::path, "asked with GET until it answers 200");
    keys.duration("timeout", &ready_draft::timeout, 0.1, most_ready_s, "then the trial has failed");
    return keys.finished_by([](reader& in, const std::string& path, const yaml_node& node, ready_draft& into) {
      if (!into.path.starts_with('/')) in.refuse(node.at, path + ".path: expected a path such as /health/ready");
    });
  }();
  return table;
}

void describe(keys_of<candidate_draft>& keys) {
  using enum model::runtime_kind;
  keys.integer("version", &candidate_draft::version, 1, 1, "of this format");
  keys.text("name", &candidate_draft::name, "short, unique in a plan; letters, digits, '-', '_' and '.'");
  keys.text("title", &candidate_draft::title, "as the report shows it").otherwise("the name");
  keys.word("runtime", &candidate_draft::runtime, std::vector{python, node, cpp, go, jvm, rust, other},
            "which probes fit");
  keys.flag("ours", &candidate_draft::ours, "this project's own stack, marked as such wherever it appears");
  keys.text("directory", &candidate_draft::runs_in, "where its commands run").otherwise("the descriptor's");
  keys.texts("build", &candidate_draft::build, "a command, run once in the descriptor's directory before the campaign");
  keys.texts("command", &candidate_draft::command, "starts it; {port} is the port it has to listen on");
  keys.texts("versions", &candidate_draft::versions, "a command that prints what runs, for the record");
  keys.text_map("environment", &candidate_draft::environment, "{port}, and {NAME} for the address of a dependency");
  keys.text("url", &candidate_draft::url, "instead of a command: of a service that already runs");
  keys.object("ready", &candidate_draft::ready, ready_section(), "when it may be loaded");
}

bool names_well(const std::string& name) {
  constexpr std::size_t longest = 64;
  return !name.empty() && name.size() <= longest && name.front() != '.' &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == name.npos;
}

// What holds for every descriptor, wherever it stands.
void finish_descriptor(reader& in, const std::string& path, const yaml_node& node, candidate_draft& into) {
  const std::string where = path.empty() ? "" : path + ": ";
  const yaml_node* name = node.find("name");
  if (name == nullptr) return in.refuse(node.at, where + "missing key \"name\"");
  if (!names_well(into.name)) {
    return in.expected(path.empty() ? "name" : path + ".name", *name, "up to 64 letters, digits, '-', '_' and '.'");
  }
  if (into.command.empty() == into.url.empty()) {
    return in.refuse(node.at, where + "expected exactly one of command, url");
  }
  if (!into.url.empty() && !into.url.starts_with("http://")) {
    return in.expected(path.empty() ? "url" : path + ".url", *node.find("url"), "an address such as http://HOST:PORT");
  }
  if (into.title.empty()) into.title = into.name;
  into.ready_path = into.ready.path;
  into.ready_timeout = into.ready.timeout;
  into.directory = in.absolute(into.runs_in);
}

}  // namespace

const section& descriptor_section() {
  static const section table = [] {
    keys_of<candidate_draft> keys("descriptor", "a candidate: how it is built, started and known to be ready");
    describe(keys);
    return keys.finished_by(finish_descriptor);
  }();
  return table;
}

const section& candidate_section() {
  static const section table = [] {
    keys_of<candidate_draft> keys("candidate", "a descriptor in place, or a reference to one");
    keys.text("descriptor", &candidate_draft::refers_to, "a descriptor's file; beside it only name and title");
    describe(keys);
    return keys.finished_by([](reader& in, const std::string& path, const yaml_node& node, candidate_draft& into) {
      if (into.refers_to.empty()) return finish_descriptor(in, path, node, into);
      for (const yaml_entry& each : node.entries) {
        if (each.key == "descriptor" || each.key == "name" || each.key == "title") continue;
        return in.refuse(each.at,
                         path + ": beside \"descriptor\" only name and title are allowed, not " + in_quotes(each.key));
      }
      if (node.find("name") != nullptr && !names_well(into.name)) {
        in.expected(path + ".name", *node.find("name"), "up to 64 letters, digits, '-', '_' and '.'");
      }
    });
  }();
  return table;
}

void candidate_from_text(reader&, const yaml_node& node, candidate_draft& into) { into.refers_to = node.text; }

}  // namespace assay::plan
