// A small host: one tool whose body is called back, one that this program runs on its own thread,
// and what the policy makes of them.
//
// Usage: searcher [POLICY], from the root of the checkout; policies/spend-cap.toml by default.
#include <boost/json/src.hpp>  // in one source file of a program

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <tallygate.hpp>

namespace {

void show(const char* what, const tallygate::Result<tallygate::ActionResult>& result) {
  std::cout << what << ": ";
  if (!result) {
    std::cout << "no answer: " << result.error().text << "\n";
  } else if (result->completed()) {
    std::cout << result->output << ", for " << result->spent.at("calls") << " call\n";
  } else {
    std::cout << result->code << ": " << result->reason << "\n";
  }
}

tallygate::Answer count_lines(const tallygate::json::object& args) {
  const std::string path(args.at("path").as_string());
  std::ifstream file(path);
  if (!file) throw std::runtime_error("there is no " + path);
  return std::count(std::istreambuf_iterator<char>(file), {}, '\n');
}

}  // namespace

int main(int argc, char** argv) {
  tallygate::Options options;
  options.config = argc > 1 ? argv[1] : "policies/spend-cap.toml";
  auto started = tallygate::Gate::start(options);
  if (!started) {
    std::cerr << started.error().text << "\n";
    return 1;
  }
  tallygate::Gate& gate = **started;

  gate.tool("web_search",
            [](const tallygate::Call& call) {
              return "a result for " + std::string(call.args.at("query").as_string());
            })
      .value();
  show("web_search", gate.govern("web_search", {{"query", "tallies"}}));
  show("read_file", gate.run_here("read_file", {{"path", "LICENSE"}}, count_lines));
  show("delete_file", gate.govern("delete_file", {{"path", "LICENSE"}}));
  for (const tallygate::Budget& budget : gate.budgets().value()) {
    std::cout << budget.scope << ": " << budget.available << " of " << budget.cap << " "
              << budget.unit << " left\n";
  }
}
