# How a room is built. Every library sees only the headers of the libraries it links: each has an include folder of
# its own, holding one link to its source folder, so an include that goes against the layers does not compile.

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

# A warning must not keep anybody from installing: at -O2 what g++ warns of changes with its version, and with
# precompiled headers. The other presets refuse.
set(werror -Werror)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  set(werror)
endif()
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor
                    -Wold-style-cast ${werror} -fno-strict-aliasing)
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  # The fuzz preset: g++ is the compiler whose warnings count, these are Clang's alone.
  add_compile_options(-Wno-shadow -Wno-unused-private-field -Wno-unused-lambda-capture)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  # What g++ 12 says falsely at -O2: overflows and overlaps inside inlined std::string code (GCC bug 105329), and values
  # of an std::optional or std::expected that holds none (GCC bug 80635).
  add_compile_options(-Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds -Wno-maybe-uninitialized
                      -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong)
endif()

if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # std::stable_sort of libstdc++ 12 uses what C++17 deprecated, and clang blames who called it.
  add_compile_options(-Wno-deprecated-declarations)
endif()

option(FACTEUR_TESTS "Build the unit, dialogue and fuzz-corpus tests" ON)
option(FACTEUR_PROGRAMS "Build the programs" ON)
# A compiler cache saves more, and cannot see into precompiled headers.
set(precompile_default ON)
if(CMAKE_CXX_COMPILER_LAUNCHER MATCHES "ccache")
  set(precompile_default OFF)
endif()
option(FACTEUR_PRECOMPILE "Precompile the standard headers" ${precompile_default})
option(FACTEUR_LIBFUZZER "Build the fuzz targets for libFuzzer (clang)" OFF)

# Leaks of libraries that are not ours.
set(lsan LSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/leaks-of-others)

# facteur_rooms(FOLDER...): adds each folder that has a CMakeLists.txt, lower layers first.
function(facteur_rooms)
  foreach(room IN LISTS ARGN)
    if(EXISTS ${CMAKE_SOURCE_DIR}/${room}/CMakeLists.txt)
      add_subdirectory(${room})
    endif()
  endforeach()
endfunction()

# facteur_library(NAME [FOLDER folder] [PARTS subfolders...] LINKS libs... [WRAPS third-party...]): a static library of
# all *.cpp of a folder and of its parts (its main.cpp files left out), and its unit tests from
# tests/unit/<folder>/*_test.cpp, if there are any. LINKS are our own libraries that its headers or sources may include;
# WRAPS are third-party libraries, which nobody else sees.
function(facteur_library name)
  cmake_parse_arguments(ARG "" "FOLDER" "PARTS;LINKS;WRAPS" ${ARGN})
  if(NOT ARG_FOLDER)
    file(RELATIVE_PATH ARG_FOLDER ${CMAKE_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  endif()
  set(source_dir ${CMAKE_SOURCE_DIR}/${ARG_FOLDER})
  set(places ${source_dir}/*.cpp)
  foreach(part IN LISTS ARG_PARTS)
    list(APPEND places ${source_dir}/${part}/*.cpp)
  endforeach()
  file(GLOB sources CONFIGURE_DEPENDS ${places})
  list(FILTER sources EXCLUDE REGEX "main\\.cpp$")

  set(include_dir ${CMAKE_BINARY_DIR}/include/${name})
  get_filename_component(parent ${ARG_FOLDER} DIRECTORY)
  file(MAKE_DIRECTORY ${include_dir}/${parent})
  file(CREATE_LINK ${source_dir} ${include_dir}/${ARG_FOLDER} SYMBOLIC)

  if(sources)
    add_library(${name} STATIC ${sources})
    target_include_directories(${name} PUBLIC ${include_dir})
    target_link_libraries(${name} PUBLIC ${ARG_LINKS} PRIVATE ${ARG_WRAPS})
    facteur_precompile(${name})
  else()
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE ${include_dir})
    target_link_libraries(${name} INTERFACE ${ARG_LINKS})
  endif()

  facteur_test(${name}_test FOLDER tests/unit/${ARG_FOLDER} LINKS ${name} ${ARG_LINKS})
endfunction()

# Compiles the standard headers and fmt once, for all libraries that want the same options.
function(facteur_precompile name)
  if(NOT FACTEUR_PRECOMPILE)
    return()
  endif()
  if(NOT TARGET precompiled)
    file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/precompiled.cpp CONTENT "// Carries the precompiled headers.\n")
    add_library(precompiled OBJECT ${CMAKE_BINARY_DIR}/precompiled.cpp)
    target_link_libraries(precompiled PRIVATE fmt::fmt)
    target_precompile_headers(precompiled PRIVATE ${CMAKE_SOURCE_DIR}/packaging/cmake/precompiled.h)
  endif()
  target_precompile_headers(${name} REUSE_FROM precompiled)
endfunction()

# facteur_test(NAME FOLDER folder LINKS libs...): one Catch2 program of the *_test.cpp files of a folder.
function(facteur_test name)
  cmake_parse_arguments(ARG "" "FOLDER" "LINKS;WRAPS" ${ARGN})
  if(NOT FACTEUR_TESTS)
    return()
  endif()
  file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${ARG_FOLDER}/*_test.cpp)
  if(NOT tests)
    return()
  endif()
  if(NOT TARGET catch_main)
    # Catch2's own main, compiled once and without optimisation: it is the slowest file of the tests.
    add_library(catch_main OBJECT ${CMAKE_SOURCE_DIR}/tests/unit/main.cpp)
    target_compile_options(catch_main PRIVATE -O0 -w)
    target_include_directories(catch_main PUBLIC ${CMAKE_SOURCE_DIR}/tests/unit/include)
    if(FACTEUR_PRECOMPILE)
      # Catch2's header costs more than most tests.
      add_library(catch_precompiled OBJECT ${CMAKE_BINARY_DIR}/precompiled.cpp)
      target_compile_options(catch_precompiled PRIVATE -O0)
      target_link_libraries(catch_precompiled PRIVATE fmt::fmt)
      target_precompile_headers(catch_precompiled PRIVATE <catch2/catch.hpp>
                                ${CMAKE_SOURCE_DIR}/packaging/cmake/precompiled.h)
    endif()
  endif()
  add_executable(${name} ${tests})
  target_compile_options(${name} PRIVATE -O0)
  target_link_libraries(${name} PRIVATE ${ARG_LINKS} ${ARG_WRAPS} catch_main)
  if(FACTEUR_PRECOMPILE)
    target_precompile_headers(${name} REUSE_FROM catch_precompiled)
  endif()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME unit/${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(unit/${name} PROPERTIES TIMEOUT 600 ENVIRONMENT ${lsan})
endfunction()

# facteur_fuzz(NAME SOURCE file LINKS libs...): a fuzz target (LLVMFuzzerTestOneInput). With libFuzzer in the fuzz
# preset; otherwise with a plain main that replays the corpus in tests/fuzz/corpus/<NAME> as a test.
function(facteur_fuzz name)
  cmake_parse_arguments(ARG "" "SOURCE" "LINKS" ${ARGN})
  if(NOT FACTEUR_TESTS)
    return()
  endif()
  if(FACTEUR_LIBFUZZER)
    add_executable(fuzz_${name} ${ARG_SOURCE})
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  else()
    if(NOT TARGET fuzz_replay_main)
      add_library(fuzz_replay_main OBJECT ${CMAKE_SOURCE_DIR}/tests/fuzz/replay_main.cpp)
    endif()
    add_executable(fuzz_${name} ${ARG_SOURCE})
    target_link_libraries(fuzz_${name} PRIVATE fuzz_replay_main)
    add_test(NAME fuzz-corpus/${name} COMMAND fuzz_${name} ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name})
    set_tests_properties(fuzz-corpus/${name} PROPERTIES TIMEOUT 300 ENVIRONMENT ${lsan})
  endif()
  target_link_libraries(fuzz_${name} PRIVATE ${ARG_LINKS})
  set_target_properties(fuzz_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
endfunction()

# facteur_program(NAME SOURCE main.cpp LINKS libs... [ALIASES other names...]): a program in build/<preset>/bin.
function(facteur_program name)
  cmake_parse_arguments(ARG "" "SOURCE" "LINKS;ALIASES" ${ARGN})
  if(NOT FACTEUR_PROGRAMS)
    return()
  endif()
  add_executable(${name} ${ARG_SOURCE})
  target_link_libraries(${name} PRIVATE ${ARG_LINKS})
  foreach(alias IN LISTS ARG_ALIASES)
    add_custom_command(TARGET ${name} POST_BUILD COMMAND ln -sf ${name} $<TARGET_FILE_DIR:${name}>/${alias})
  endforeach()
endfunction()

# facteur_doors(ROOM [LINKS libs...]): the library ROOM_doors (a slash in ROOM read as '_') of the one header <room>/doors.h, which lists what the process of
# that room says and hears. Peers link it without seeing anything else of the room.
function(facteur_doors room)
  cmake_parse_arguments(ARG "" "" "LINKS" ${ARGN})
  string(REPLACE "/" "_" name ${room}_doors)
  set(include_dir ${CMAKE_BINARY_DIR}/include/${name})
  file(MAKE_DIRECTORY ${include_dir}/${room})
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${room}/doors.h ${include_dir}/${room}/doors.h SYMBOLIC)
  add_library(${name} INTERFACE)
  target_include_directories(${name} INTERFACE ${include_dir})
  target_link_libraries(${name} INTERFACE base ipc ${ARG_LINKS})
endfunction()
