# The same as ssh_tunnel.rs with the command ssh:
#
#   ruby ssh_tunnel.rb me@far.example druby://localhost:9000 [KEY KNOWN_HOSTS]
#
# The ports are the same on both sides, since references carry them.
require 'drb'
require 'socket'
require 'uri'

host, uri, key, known_hosts = ARGV
there = uri[/\d+\z/]

# This process is called back at a port that nobody has yet.
DRb.start_service('druby://localhost:0')
back = DRb.uri[/\d+\z/]

destination = URI("ssh://#{host}")
command = ['ssh', '-N', '-o', 'ExitOnForwardFailure=yes', '-p', (destination.port || 22).to_s]
command += ['-F', 'none', '-i', key, '-o', "UserKnownHostsFile=#{known_hosts}"] if key
command += ['-L', "#{there}:localhost:#{there}", '-R', "#{back}:localhost:#{back}"]
command << [destination.user, destination.host].compact.join('@')
ssh = spawn(*command)

begin
  500.times do
    TCPSocket.new('localhost', there).close
    break
  rescue SystemCallError
    sleep 0.02
  end

  words = DRbObject.new_with_uri(uri)
  letters = 0
  count = words.each { |word, _| letters += word.size }
  puts "#{count} words have #{letters} letters"
  place = words.each { |word, place| break place if word == 'coffee' }
  puts "coffee is at #{place}"
ensure
  Process.kill(:TERM, ssh)
  Process.wait(ssh)
end
