// Where the files are that come with the program.
#include "cli/share.h"

#include "support/catch.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdlib.h>

namespace tallygate {
namespace {

namespace fs = std::filesystem;

// A folder that goes with the test, named by $TALLYGATE_SHARE.
class Named {
 public:
  Named() : folder_(fs::temp_directory_path() / ("share-" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
    ::setenv("TALLYGATE_SHARE", folder_.c_str(), 1);
  }
  ~Named() {
    ::unsetenv("TALLYGATE_SHARE");
    fs::remove_all(folder_);
  }
  const fs::path& folder() const { return folder_; }

 private:
  fs::path folder_;
};

TEST_CASE("a folder that is named counts, if it holds policies", "[cli]") {
  const Named place;
  CHECK(share_folder().empty());
  CHECK(starter_policy("mine").empty());
  fs::create_directory(place.folder() / "policies");
  CHECK(share_folder() == place.folder());
  std::ofstream(place.folder() / "policies" / "mine.toml") << "# ?\n";
  CHECK(starter_policy("mine") == place.folder() / "policies" / "mine.toml");
  CHECK(starter_policy("other").empty());
}

TEST_CASE("a starter's name leads nowhere else", "[cli]") {
  const Named place;
  fs::create_directory(place.folder() / "policies");
  std::ofstream(place.folder() / "secret.toml") << "# ?\n";
  CHECK(starter_policy("../secret").empty());
  CHECK(starter_policy("").empty());
  CHECK(starter_policy((place.folder() / "secret").string()).empty());
}

}  // namespace
}  // namespace tallygate
