// local-run: takes the dotlock of one mbox where its jailed worker may make no file, by running dotlockfile.
//
// SECURITY: runs as the owner of the mail, with the rights of that user and no jail: no_new_privs would take from
// dotlockfile the group that it is there for. It parses nothing that came from the network; its worker can tell it
// "lock" and "unlock", and names no path, program or user. It ends with its worker.
// STANDARDS: dotlockfile(1), lockfile_create(3), Debian policy section 11.6.

#include "common/process/program.h"
#include "delivery/run/server.h"

int main(int argc, char** argv) {
  facteur::process::Program program("local-run", argc, argv);
  program.become_user();
  facteur::run::Server server(program);
  return program.run();
}
