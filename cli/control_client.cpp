#include "cli/control_client.h"

#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/ipc/door.h"
#include "master/doors.h"

namespace facteur::cli {
namespace {

std::string control_path(const config::Settings& settings) {
  return settings.run_directory + "/control";
}

Result<Fd> connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return fail(Kind::permanent, path + ": the path is too long");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  Fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!socket) return fail_errno("socket", errno);
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) {
    const int error = errno;
    return std::unexpected(Error{.kind = Kind::temporary,
                                 .text = "facteurd does not answer at " + path + " (" + std::strerror(error) +
                                         "): is it running, with this settings file?",
                                 .errno_value = error});
  }
  return socket;
}

}  // namespace

bool may_be_running(const config::Settings& settings) {
  const auto socket = connect_to(control_path(settings));
  return socket || (socket.error().errno_value != ENOENT && socket.error().errno_value != ECONNREFUSED);
}

Result<Outcome> request(const config::Settings& settings, const std::string& verb,
                        const std::vector<std::string>& arguments, const AnswerHandlers& handlers) {
  auto socket = connect_to(control_path(settings));
  if (!socket) return fail(socket);
  auto packet = ipc::encode(master::ControlRequest{verb, arguments});
  if (auto sent = ipc::send_now(socket->get(), packet); !sent) return fail(sent);
  for (;;) {
    auto answer = ipc::receive_now(socket->get());
    if (!answer) return fail(Kind::temporary, "facteurd went away before it had answered; try again");
    const auto type = ipc::type_of(*answer);
    if (type == master::ControlText::type) {
      auto text = ipc::decode<master::ControlText>(std::move(*answer));
      if (!text) return fail(text);
      if (handlers.text) handlers.text(text->text);
    } else if (type == master::ControlFile::type) {
      auto file = ipc::decode<master::ControlFile>(std::move(*answer));
      if (!file) return fail(file);
      if (handlers.file) handlers.file(std::move(file->file));
    } else {
      auto done = ipc::decode<master::ControlDone>(std::move(*answer));
      if (!done) return fail(done);
      return Outcome{done->exit_code, done->text};
    }
  }
}

}  // namespace facteur::cli
