// Boost.JSON's definitions, once for all programs of these tests.
#include <boost/json/src.hpp>
