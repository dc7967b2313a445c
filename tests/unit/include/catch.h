// The one place that knows which Catch2 this is: Debian 12 has version 2, with a single header.
#pragma once

#include <catch2/catch.hpp>
