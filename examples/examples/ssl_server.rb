# The object of ssl_server.rs in Ruby: ruby ssl_server.rb drbssl://localhost:9000 certificates
#
# The folder has ca.pem, server.pem and server.key.
require 'drb'
require 'drb/ssl'

class Door
  # The name in the certificate of whoever calls.
  def knock
    certificate = Thread.current['DRb']['client'].stream.peer_cert
    name = certificate.subject.to_a.assoc('CN')[1]
    "come in, #{name}"
  end

  def rooms(&block)
    %w[hall kitchen attic].each(&block).size
  end
end

uri, folder = ARGV
config = {
  SSLCertificate: OpenSSL::X509::Certificate.new(File.read("#{folder}/server.pem")),
  SSLPrivateKey: OpenSSL::PKey.read(File.read("#{folder}/server.key")),
  SSLCACertificateFile: "#{folder}/ca.pem",
  SSLVerifyMode: OpenSSL::SSL::VERIFY_PEER | OpenSSL::SSL::VERIFY_FAIL_IF_NO_PEER_CERT
}
DRb.start_service(uri, Door.new, config)
puts "ready #{DRb.uri}"
$stdout.flush
DRb.thread.join
