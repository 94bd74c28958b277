# How every C++ target of the project is compiled: link to nativeconc_options.
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
find_package(Threads REQUIRED)

if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT NATIVECONC_SANITIZE)
  include(CheckIPOSupported)
  check_ipo_supported(RESULT CMAKE_INTERPROCEDURAL_OPTIMIZATION OUTPUT ignored LANGUAGES CXX)
endif()

add_library(nativeconc_options INTERFACE)
target_link_libraries(nativeconc_options INTERFACE Threads::Threads)
target_compile_options(
  nativeconc_options
  INTERFACE
    # The same bits from every code path and every machine: no fused multiply-add behind our back.
    -ffp-contract=off
    -Wall
    -Wextra
    -Wpedantic
    -Wshadow
    -Wconversion
    $<$<BOOL:${NATIVECONC_WERROR}>:-Werror>
)
# The oldest x86-64 that a wheel runs on; anything newer is chosen at run time.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  target_compile_options(nativeconc_options INTERFACE -march=x86-64-v2)
endif()
if(NATIVECONC_SANITIZE)
  target_compile_options(
    nativeconc_options
    INTERFACE
      -fsanitize=${NATIVECONC_SANITIZE}
      -fno-sanitize-recover=all
      -fno-omit-frame-pointer
      -g1
  )
  target_link_options(nativeconc_options INTERFACE -fsanitize=${NATIVECONC_SANITIZE})
endif()
