# The rooms of the house from left to right. A room may only link rooms to its left.
set(VERISSIM_ROOMS
    base
    image
    dataset
    network
    similarity
    region
    property
    bounds
    attack
    proof
    search
    certificate
    train
    repair
    report
    experiment
    cli)

find_package(Threads REQUIRED)

# Compile options of every target of ours.
function(verissim_options target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
                                           -Woverloaded-virtual -ffp-contract=off)
  # GCC 12 takes string concatenation in its own library for overlapping copies (GCC bug 105651).
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    target_compile_options(${target} PRIVATE -Wno-restrict)
    if(VERISSIM_SANITIZE)  # and sees uninitialised values in <regex> that are not there
      target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized)
    endif()
  endif()
  if(VERISSIM_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(VERISSIM_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${VERISSIM_SANITIZE} -fno-omit-frame-pointer
                                             -fno-sanitize-recover=all)
    target_compile_definitions(${target} PRIVATE _GLIBCXX_ASSERTIONS)  # spans and vectors look at their indices
    target_link_options(${target} PUBLIC -fsanitize=${VERISSIM_SANITIZE})
    # Beside AddressSanitizer, GCC's shared UBSan writes to standard error whatever its option log_path says.
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND VERISSIM_SANITIZE MATCHES "undefined")
      target_link_options(${target} PRIVATE $<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:-static-libubsan>)
    endif()
  endif()
  if(VERISSIM_FUZZ)  # every branch is counted, so that libFuzzer sees what is new
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endfunction()

# Refuses a link that does not lead to the left.
function(verissim_check_links room)
  list(FIND VERISSIM_ROOMS ${room} place)
  if(place EQUAL -1)
    message(FATAL_ERROR "verissim: no room is called '${room}'")
  endif()
  foreach(other IN LISTS ARGN)
    list(FIND VERISSIM_ROOMS ${other} other_place)
    if(other_place EQUAL -1 OR other_place GREATER_EQUAL place)
      message(FATAL_ERROR "verissim: room '${room}' may not use '${other}': links lead to the left only")
    endif()
  endforeach()
endfunction()

# A room's headers are visible as "<room>/<file>.h", and only to those that link the room:
# each room has an include folder of its own that holds one link to its sources.
function(verissim_room_include target room visibility)
  set(folder ${PROJECT_BINARY_DIR}/rooms/${room})
  file(MAKE_DIRECTORY ${folder})
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/src/${room} ${folder}/${room} SYMBOLIC)
  target_include_directories(${target} ${visibility} ${folder})
endfunction()

# verissim_room(<name> SOURCES <files> USES <rooms> LIBRARIES <targets> PRIVATE_LIBRARIES <targets>)
function(verissim_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;USES;LIBRARIES;PRIVATE_LIBRARIES" ${ARGN})
  verissim_check_links(${name} ${ROOM_USES})
  add_library(verissim_${name} STATIC ${ROOM_SOURCES})
  add_library(verissim::${name} ALIAS verissim_${name})
  verissim_options(verissim_${name})
  verissim_room_include(verissim_${name} ${name} PUBLIC)
  foreach(other IN LISTS ROOM_USES)
    target_link_libraries(verissim_${name} PUBLIC verissim::${other})
  endforeach()
  target_link_libraries(verissim_${name} PUBLIC ${ROOM_LIBRARIES} Threads::Threads PRIVATE ${ROOM_PRIVATE_LIBRARIES})
endfunction()

# verissim_test(<room> <sources>...): one test program a room, its cases known to ctest by name.
function(verissim_test room)
  cmake_parse_arguments(TEST "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(test_${room} ${TEST_SOURCES})
  verissim_options(test_${room})
  target_include_directories(test_${room} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(test_${room} PRIVATE verissim::${room} ${TEST_LIBRARIES} GTest::gtest_main GTest::gmock rapidcheck)
  target_compile_definitions(test_${room} PRIVATE VERISSIM_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  gtest_discover_tests(test_${room} DISCOVERY_TIMEOUT 60 PROPERTIES LABELS ${room} TIMEOUT 600)
endfunction()
