# Serves by drbfire, and calls its clients:
#
#   fire_server.rb URI [FOLDER]
#
# With a folder it is within TLS: FOLDER/server.pem and its key; who comes has a certificate of FOLDER/ca.pem.
require 'drb/drbfire'
require 'drb/ssl'
require_relative 'desk'

uri, folder = ARGV
config = { DRbFire::ROLE => DRbFire::SERVER }
if folder
  config.merge!(
    DRbFire::DELEGATE => DRb::DRbSSLSocket,
    SSLCertificate: OpenSSL::X509::Certificate.new(File.read("#{folder}/server.pem")),
    SSLPrivateKey: OpenSSL::PKey.read(File.read("#{folder}/server.key")),
    SSLCACertificateFile: "#{folder}/ca.pem",
    SSLVerifyMode: OpenSSL::SSL::VERIFY_PEER | OpenSSL::SSL::VERIFY_FAIL_IF_NO_PEER_CERT
  )
end
server = DRb.start_service(uri, Desk.new, config)
$stdout.sync = true
puts "ready #{DRb.uri}"
server.thread.join
