// authd: everything it is made of, and its doors to master, smtpd, the login processes and queued.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>

#include "auth/checker.h"
#include "auth/client_door.h"
#include "auth/keeper.h"
#include "auth/passwd.h"
#include "auth/places.h"
#include "auth/session_places.h"
#include "auth/tickets.h"
#include "common/process/program.h"

namespace facteur::auth {

class Server {
 public:
  explicit Server(process::Program& program);

  /// Loads plug-ins and tables; before the jail.
  void prepare();

 private:
  void add_client(std::uint32_t instance, std::unique_ptr<ipc::Door> door, bool is_smtpd);
  void add_queued(std::uint32_t instance, std::unique_ptr<ipc::Door> door);
  void listen_to_master();
  void redeem(const Redeem& redeem);
  void find_record(std::uint64_t id, const std::string& account, std::function<void(AccountRecord)> callback);
  void give_place(AccountRecord& record, const Redeem& redeem);
  void reload(std::uint64_t id);
  void send_tables();
  void take_settings();

  process::Program& program_;
  Passwd passwd_;
  Keeper keeper_;
  Checker checker_;
  Tickets tickets_;
  Gate names_;
  Places connections_;  ///< of SMTP, by address
  SessionPlaces sessions_;
  Parts parts_;
  struct Client {
    std::unique_ptr<ClientDoor> door;
    bool is_smtpd = false;
  };
  std::map<std::uint32_t, Client> clients_;
  std::map<std::uint32_t, std::unique_ptr<ipc::Door>> queued_;
  loop::Timer sweeper_;
};

}  // namespace facteur::auth
