// A function marked VERISSIM_CLONES is compiled for several processors; the machine's best is taken when the
// program is loaded: too early for sanitizers, under which there is one function for all.
#pragma once

// Whether functions can be compiled for processors by name, between which the code itself chooses.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__)
#define VERISSIM_HAS_TARGETS
#endif

#if defined(VERISSIM_HAS_TARGETS) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define VERISSIM_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define VERISSIM_CLONES
#endif
