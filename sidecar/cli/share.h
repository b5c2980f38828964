// Where the files are that come with the program.
#pragma once

#include <string>

namespace tallygate {

// The folder that holds policies/ and clients/: $TALLYGATE_SHARE, else ../share/tallygate beside
// the program, as it is installed, else share/tallygate, as it is built. Empty where there is none:
// a program that was copied alone. Never a folder of the place where the program is run.
std::string share_folder();

// The starter policy of that name ("spend-cap"), a file that is there, or empty.
std::string starter_policy(const std::string& name);

}  // namespace tallygate
