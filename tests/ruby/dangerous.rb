# Calls everything on a server that nobody but its service may offer: dangerous.rb URI [NAME...]
# The names are those that the service exposes. Prints a line for each call that is not refused.
require 'drb'
require 'drb/unix'
require 'tmpdir'

uri, *exposed = ARGV
# Every object answers these, and needs to.
exposed += %w[respond_to? to_s inspect]

# By hand what an attacker would try first; then all that Ruby's objects, classes and modules have.
names = %i[
  __send__ send public_send __id__ instance_eval instance_exec class_eval class_exec module_eval
  instance_variable_get instance_variable_set instance_variables remove_instance_variable
  method methods private_methods public_method singleton_method define_method
  define_singleton_method singleton_class extend method_missing respond_to_missing? initialize
  eval system exec spawn fork ` open require require_relative load exit exit! abort trap raise throw
  binding local_variables global_variables class const_get const_set remove_const constants new
  allocate dup clone freeze taint tap then itself yield_self object_id to_enum ObjectSpace GC drop
  main internal hidden lock values entries
]
[Object.new, Class, Module, Kernel, Process, IO, File, Marshal, proc {}, binding, BasicObject].each do |object|
  names += Kernel.instance_method(:methods).bind_call(object)
end
names += Object.private_instance_methods + BasicObject.private_instance_methods + Kernel.private_instance_methods
names = names.uniq - exposed.map(&:to_sym)

trap_file = File.join(Dir.tmpdir, "drb-dangerous-#{$$}")
arguments = [[], ["touch #{trap_file}"], [:system, "touch #{trap_file}"], [:eval, "`touch #{trap_file}`", 1]]
target = DRbObject.new_with_uri(uri)

# What a call is answered with.
def outcome(uri, target, name, args)
  ok, result = DRb::DRbConn.open(uri) { |connection| connection.send_message(target, name, args, nil) }
  return "returned #{result.inspect}" if ok

  "#{result.class}: #{result.message}"
rescue DRb::DRbConnError => error
  # The server answers before it closes, so this is no refusal but a lost connection.
  "lost: #{error.message}"
end

calls = 0
names.each do |name|
  refusal = name == :__send__ ? /\ADRb::DRbConnError: insecure method/ : /\ANoMethodError: undefined method .*#{Regexp.escape(name.to_s)}/
  arguments.each do |args|
    answer = outcome(uri, target, name, args)
    puts "#{name}(#{args.inspect[1..-2]}) -> #{answer}" unless answer.match?(refusal)
    calls += 1
  end
end
names.each do |name|
  puts "respond_to?(#{name}) is true" if target.method_missing(:respond_to?, name, true)
end
puts "#{trap_file} exists" if File.exist?(trap_file)
puts "#{names.size} names" if names.size < 300
warn "#{calls} calls"
