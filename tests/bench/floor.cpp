// The floor: what a governed call cannot do without. Two bare round trips over the pipe and the
// rows that the sidecar writes, with its schema and its settings, in one transaction for whatever
// arrived together, and nothing else: no JSON, no hash, no policy, no SELECT. Without a store it
// only echoes.
#include "floor_store.h"
#include "line_pipe.h"
#include "protocol/limits.h"
#include "traffic.h"

#include <unistd.h>

#include <cstdio>
#include <string>

namespace tallygate::bench {
namespace {

class Server {
 public:
  explicit Server(FloorStore* store) : store_(store) {}

  bool serve() {
    while (const auto line = host_.read_line()) {
      out_.clear();
      if (store_ != nullptr) store_->begin();
      take_batch(*line);
      if (store_ != nullptr) store_->commit();
      if (!host_.write(out_)) return false;
      if (store_ != nullptr) store_->tidy();
    }
    return true;
  }

 private:
  // As many lines as the sidecar takes into one turn.
  void take_batch(std::string_view first) {
    take(first);
    for (std::size_t taken = 1; taken < limits::turn_lines_max; ++taken) {
      const auto line = host_.buffered_line();
      if (!line) return;
      take(*line);
    }
  }

  void take(std::string_view line) {
    const Envelope envelope = envelope_of(line);
    const std::int64_t number = number_of(envelope.id);
    if (envelope.is_request) {
      if (store_ != nullptr) store_->grant(number, call_id_of(line));
      execute_.append_to(out_, envelope.id);
    } else {
      if (store_ != nullptr) store_->settle(number);
      reply_.append_to(out_, envelope.id);
    }
  }

  FloorStore* store_;
  LinePipe host_{STDIN_FILENO, STDOUT_FILENO};
  LineForm execute_ = execute_form();
  LineForm reply_ = reply_form();
  std::string out_;
};

}  // namespace
}  // namespace tallygate::bench

int main(int argc, char** argv) {
  using namespace tallygate::bench;
  if (argc == 1) return Server(nullptr).serve() ? 0 : 1;
  if (argc < 4 || argc > 5) {
    std::fprintf(stderr, "usage: bench_floor [STORE process|power BUDGETS [shared]]\n");
    return 2;
  }
  FloorStore store({argv[1], std::string_view(argv[2]) == "power", std::stoi(argv[3]), argc == 5});
  return Server(&store).serve() ? 0 : 1;
}
