# What a Ruby client of drbfire sees; prints a line for each of its words:
#
#   fire_client.rb URI [folder=FOLDER] WORD …
#
# With a folder it is within TLS: FOLDER/client.pem and its key; it trusts FOLDER/ca.pem.
require 'drb/drbfire'
require 'drb/ssl'
require_relative 'desk'

uri, *words = ARGV
config = { DRbFire::ROLE => DRbFire::CLIENT }
if words.first&.start_with?('folder=')
  folder = words.shift.delete_prefix('folder=')
  config.merge!(
    DRbFire::DELEGATE => DRb::DRbSSLSocket,
    SSLCertificate: OpenSSL::X509::Certificate.new(File.read("#{folder}/client.pem")),
    SSLPrivateKey: OpenSSL::PKey.read(File.read("#{folder}/client.key")),
    SSLCACertificateFile: "#{folder}/ca.pem",
    SSLVerifyMode: OpenSSL::SSL::VERIFY_PEER
  )
end
DRb.start_service(uri, nil, config)
$stdout.sync = true

# Each listening socket of this process is one of the system's that somebody could connect to.
def listening
  own = Dir['/proc/self/fd/*'].filter_map { |fd| File.readlink(fd)[/socket:\[(\d+)\]/, 1] rescue nil }
  tables = %w[tcp tcp6].flat_map { |name| File.readlines("/proc/self/net/#{name}").drop(1) }
  tables.map(&:split).count { |line| line[3] == '0A' && own.include?(line[9]) }
end

there = DRbObject.new_with_uri(uri)
kept = Counter.new
words.each do |word|
  result = Timeout.timeout(20) do
    case word
    when 'echo' then there.echo('tea')
    when 'large' then there.echo('x' * 200_000).size
    when 'counter' then there.counter.then { |counter| [counter.__drburi == uri, counter.inc, counter.inc] }
    when 'call' then [there.call(kept), there.call(kept), kept.count]
    when 'keep' then there.keep(kept)
    when 'kept' then there.call_kept
    when 'each' then there.each(10) { |number| number * 2 }
    when 'break' then there.each(10) { |number| number < 3 ? number : (break number) }
    when 'raise' then there.each(10) { |_number| raise ArgumentError, 'no tea' }
    when 'threads'
      threads = (1..10).map { |add| Thread.new { there.each(10) { |number| number + add } } }
      threads.map(&:value)
    when 'listening' then listening
    when 'own' then DRb.uri.sub(/\d+\z/) { |number| number.to_i.positive? ? 'N' : '0' }
    end
  end
  puts result.inspect
rescue DRb::DRbConnError, ArgumentError => error
  puts "#{error.class}: #{error.message}"
end
