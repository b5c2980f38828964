// What is wrong with where a store lies, all of it, and who stands in its queue.
#include "ledger/file_lock.h"
#include "ledger/place_faults.h"
#include "ledger/queue_places.h"
#include "support/catch.h"
#include "support/temp_folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace tallygate {
namespace {

using Kind = PlaceFault::Kind;

std::vector<Kind> kinds(const std::vector<PlaceFault>& faults) {
  std::vector<Kind> found;
  for (const PlaceFault& fault : faults) found.push_back(fault.kind);
  return found;
}

TEST_CASE("every fault of a place is told, not only the first", "[ledger]") {
  const TempFolder folder;
  const std::string file = folder.file("store.db");
  std::ofstream(file) << "x";
  REQUIRE(::chmod(file.c_str(), 0600) == 0);
  CHECK(file_faults(file).empty());
  CHECK(folder_faults(folder.path().string()).empty());

  REQUIRE(::chmod(file.c_str(), 0662) == 0);
  CHECK(kinds(file_faults(file)) == std::vector{Kind::open_to_others});
  CHECK(kinds(file_faults(folder.file("none"))) == std::vector{Kind::unreachable});
  CHECK(kinds(file_faults(folder.path().string())) == std::vector{Kind::wrong_type});
  CHECK(kinds(folder_faults(file)) == std::vector{Kind::wrong_type});
  std::filesystem::create_symlink(file, folder.path() / "link");
  CHECK(kinds(file_faults(folder.file("link"))) == std::vector{Kind::wrong_type});
  if (::geteuid() != 0) return;  // only root can give a file away
  REQUIRE(::chown(file.c_str(), 12345, 12345) == 0);
  CHECK(kinds(file_faults(file)) == std::vector{Kind::foreign, Kind::open_to_others});
}

TEST_CASE("the list of locks is read: who holds, who waits, nobody else", "[ledger]") {
  const char* const locks =
      "1: POSIX  ADVISORY  WRITE 11 fe:00:4711 120 120\n"
      "2: FLOCK  ADVISORY  WRITE 12 fe:00:4711 0 EOF\n"
      "2: -> FLOCK  ADVISORY  WRITE 13 fe:00:4711 0 EOF\n"
      "3: FLOCK  ADVISORY  WRITE 14 fe:01:4711 0 EOF\n"
      "4: OFDLCK ADVISORY  WRITE -1 fe:00:4711 36 36\n"
      "5: FLOCK\n";
  const std::vector<QueuePlace> places = read_queue_places(locks, "fe:00:4711");
  REQUIRE(places.size() == 2);
  CHECK((places[0].pid == 12 && !places[0].waits));
  CHECK((places[1].pid == 13 && places[1].waits));
  CHECK(read_queue_places("", "fe:00:4711").empty());
}

TEST_CASE("a queue that is there is looked at and entered, one that is not stays so", "[ledger]") {
  const TempFolder folder;
  const std::string file = folder.file("store.db.lock");
  const auto none = WriterQueue::open_existing(file);
  REQUIRE_FALSE(none.ok());
  CHECK(none.error().code == ErrorCode::not_found);
  CHECK_FALSE(std::filesystem::exists(file));

  Result<WriterQueue> holder = WriterQueue::open(file);
  Result<WriterQueue> visitor = WriterQueue::open_existing(file);
  REQUIRE((holder.ok() && visitor.ok()));
  CHECK(visitor->enter(10));
  visitor->leave();
  REQUIRE(holder->enter(10));
  CHECK_FALSE(visitor->enter(20));
  const std::vector<QueuePlace> places = queue_places(file);
  // Where the file system numbers its devices otherwise, nobody is named.
  if (!places.empty()) CHECK((places[0].pid == ::getpid() && !places[0].waits));
  holder->leave();
  CHECK(visitor->enter(10));
}

}  // namespace
}  // namespace tallygate
