// The real loop, kernel and store against hosts whose moves are drawn, over the smallest pipes and
// sockets there are: whatever the order of moves, every line is answered once, and nobody waits for
// ever. A seed that failed is repeated with TALLYGATE_SEED=N.
#include "policy/load.h"
#include "stdio/loop.h"
#include "stdio/system.h"
#include "support/catch.h"
#include "support/seeded_entropy.h"
#include "support/temp_folder.h"
#include "unit/stdio/wild_host.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <string>
#include <thread>

namespace tallygate {
namespace {

constexpr const char* policy_text =
    "[session]\nallow_any_agent = true\n"
    "[tools.look]\ncost = \"free\"\n"
    "[[rules]]\nid = \"all\"\nmatch = {tool = \"look\"}\neffect = \"allow\"\n";

#ifdef TALLYGATE_SANITIZED
constexpr std::int64_t usual_count = 1000;
#else
constexpr std::int64_t usual_count = 10'000;
#endif

struct Ends {
  int reading = -1, writing = -1;
};

Ends open_ends(bool is_socket) {
  std::array<int, 2> ends{};
  if (!is_socket) {
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    ::fcntl(ends[0], F_SETPIPE_SZ, 4096);
    return {ends[0], ends[1]};
  }
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  constexpr int smallest = 1;
  for (const int end : ends) {
    ::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &smallest, sizeof smallest);
  }
  return {ends[0], ends[1]};
}

std::int64_t number_from(const char* variable, std::int64_t usual) {
  const char* const value = std::getenv(variable);
  return value == nullptr ? usual : std::stoll(value);
}

class Sessions {
 public:
  Sessions() {
    std::signal(SIGPIPE, SIG_IGN);
    auto loaded = load_policy_text(policy_text, "/etc/tallygate/test.toml");
    REQUIRE(std::holds_alternative<Policy>(loaded));
    policy_ = std::get<Policy>(std::move(loaded));
    StoreOptions options;
    options.path = folder_.file("store.db");
    options.power_durable = false;
    auto opened = Ledger::open(options);
    REQUIRE(opened.ok());
    ledger_ = std::move(opened).value();
    REQUIRE(ledger_->become_owner(clock_.now().utc_ms).ok());
  }

  // What went wrong in the session of this seed, or nothing.
  std::string play(std::uint64_t seed, const Conduct& conduct) {
    const Ends in = open_ends(conduct.socket_in);
    const Ends out = open_ends(conduct.socket_out);
    WildHost host(seed, conduct, in.writing, out.reading);
    std::thread life([&host] { host.run(); });
    Kernel kernel(policy_, *ledger_, entropy_, "test");
    const bool was_whole = run_loop(kernel, clock_, {in.reading, out.writing, -1});
    life.join();
    answered += host.answered();
    return was_whole ? host.fault() : "the loop said that a stream failed";
  }

  std::int64_t answered = 0;

 private:
  TempFolder folder_;
  Policy policy_;
  SystemClock clock_;
  SeededEntropy entropy_{7};
  std::unique_ptr<Ledger> ledger_;
};

}  // namespace

TEST_CASE("no order of moves leaves a line unanswered or anyone waiting", "[stdio]") {
  Sessions sessions;
  const std::int64_t first = number_from("TALLYGATE_SEED", 0);
  const std::int64_t count = number_from("TALLYGATE_INTERLEAVINGS", first > 0 ? 1 : usual_count);
  for (std::int64_t seed = first; seed < first + count; ++seed) {
    Dice dice(static_cast<std::uint64_t>(seed));
    const Conduct conduct = Conduct::drawn(dice);
    const std::string fault = sessions.play(dice.next(), conduct);
    if (fault.empty()) continue;
    CAPTURE(seed, fault);
    FAIL_CHECK();
    break;  // those after it may suffer from its remains
  }
  CHECK(sessions.answered >= count);
}

TEST_CASE("more than either side keeps goes both ways at once", "[stdio]") {
  Sessions sessions;
  Conduct conduct;
  conduct.requests = 150;
  conduct.args_bytes = 200'000;  // fifteen megabytes each way, and eight are kept
  conduct.write_most = 1 << 20;
  conduct.read_most = 100'000;  // it says all before it has heard the half
  conduct.reads_one_in = 1000;
  for (const bool is_socket : {false, true}) {
    conduct.socket_in = conduct.socket_out = is_socket;
    CHECK(sessions.play(3, conduct).empty());
  }
  CHECK(sessions.answered > 150);
}

}  // namespace tallygate
